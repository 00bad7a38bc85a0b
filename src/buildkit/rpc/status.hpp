// How a gRPC call ends: its code, its text and what else is told of an error (google.rpc.Status).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::buildkit {

enum class RpcCode : std::uint8_t {
  ok = 0,
  canceled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  unauthenticated = 16,
};

struct RpcStatus {
  RpcCode code = RpcCode::ok;
  std::string message;
  std::string details;  // a serialised google.rpc.Status; empty: there are none

  bool ok() const { return code == RpcCode::ok; }
};

RpcStatus status_of(const Error& error);
// The peer's status as our error; must not be ok.
Error error_of(const RpcStatus& status);

// grpc-message: bytes outside printable ASCII, and '%', as %XX. Decoding leaves what is no such code as it is.
std::string encode_grpc_message(std::string_view text);
std::string decode_grpc_message(std::string_view text);
// Values of headers whose names end in "-bin", and bytes in JSON.
std::string encode_base64(std::string_view bytes);

}  // namespace consort::buildkit
