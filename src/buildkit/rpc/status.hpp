// The status of a gRPC call: its code, its message and further details of an error (google.rpc.Status).
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
  std::string details;  // a serialized google.rpc.Status; empty: none

  bool ok() const { return code == RpcCode::ok; }
};

RpcStatus status_of(const Error& error);
// Converts the peer's status to an error; must not be OK.
Error error_of(const RpcStatus& status);

// grpc-message: '%' and bytes outside printable ASCII are encoded as %XX. Decoding leaves invalid sequences unchanged.
std::string encode_grpc_message(std::string_view text);
std::string decode_grpc_message(std::string_view text);

}  // namespace consort::buildkit
