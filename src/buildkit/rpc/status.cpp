#include "buildkit/rpc/status.hpp"

namespace consort::buildkit {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

int hex_value(char c) {
  const std::size_t at = hex_digits.find(c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

RpcCode rpc_code_of(Code code) {
  switch (code) {
    case Code::invalid:
      return RpcCode::unknown;  // as in BuildKit: an error in a Dockerfile has no code of its own
    case Code::not_found:
      return RpcCode::not_found;
    case Code::conflict:
      return RpcCode::failed_precondition;
    case Code::unsupported:
      return RpcCode::unimplemented;
    case Code::denied:
      return RpcCode::permission_denied;
    case Code::busy:
    case Code::lost:
      return RpcCode::unavailable;
    case Code::interrupted:
      return RpcCode::canceled;
    case Code::io:
      return RpcCode::unknown;
    case Code::internal:
      break;
  }
  return RpcCode::internal;
}

Code code_of(RpcCode code) {
  switch (code) {
    case RpcCode::canceled:
      return Code::interrupted;
    case RpcCode::invalid_argument:
    case RpcCode::failed_precondition:
    case RpcCode::unknown:
      return Code::invalid;
    case RpcCode::not_found:
      return Code::not_found;
    case RpcCode::already_exists:
      return Code::conflict;
    case RpcCode::permission_denied:
    case RpcCode::unauthenticated:
      return Code::denied;
    case RpcCode::unimplemented:
      return Code::unsupported;
    case RpcCode::unavailable:
      return Code::lost;
    default:
      return Code::io;
  }
}

}  // namespace

RpcStatus status_of(const Error& error) {
  return {rpc_code_of(error.code()), error.message(), {}};
}

Error error_of(const RpcStatus& status) {
  return Error(code_of(status.code))
      .why(status.message.empty() ? "the client's answer has status " + std::to_string(static_cast<int>(status.code))
                                  : status.message);
}

std::string encode_grpc_message(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '%') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 15];
  }
  return out;
}

std::string decode_grpc_message(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>((hex_value(text[i + 1]) << 4) | hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace consort::buildkit
