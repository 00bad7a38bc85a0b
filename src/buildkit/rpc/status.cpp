#include "buildkit/rpc/status.hpp"

#include <algorithm>

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
      return RpcCode::unknown;  // as BuildKit: a Dockerfile's fault has no code of its own
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

std::string encode_base64(std::string_view bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) {
      return at < bytes.size() ? std::uint32_t{static_cast<unsigned char>(bytes[at])} : 0U;
    };
    const std::uint32_t word = (byte(i) << 16) | (byte(i + 1) << 8) | byte(i + 2);
    const std::size_t digits = std::min<std::size_t>(bytes.size() - i, 3) + 1;
    for (std::size_t digit = 0; digit < 4; ++digit)
      out += digit < digits ? alphabet[(word >> (18 - 6 * digit)) & 63] : '=';
  }
  return out;
}

}  // namespace consort::buildkit
