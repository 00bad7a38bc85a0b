#include "base/base64.hpp"

#include <cstdint>

namespace consort {

namespace {
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

std::string base64_encode(std::string_view text) {
  std::string encoded;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = (group << 8) | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      encoded += i + k > text.size() ? '=' : base64_digits[(group >> (18 - 6 * k)) & 63];
  }
  return encoded;
}

std::optional<std::string> base64_decode(std::string_view text) {
  // Go's decoder skips line breaks anywhere, so this one does too: `base64` wraps its output, and `echo` adds a line
  // break at the end.
  std::string joined(text);
  std::erase_if(joined, [](char c) { return c == '\n' || c == '\r'; });
  while (joined.ends_with('=')) joined.pop_back();
  std::string decoded;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : joined) {
    const std::size_t digit = base64_digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    group = (group << 6) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    decoded += static_cast<char>((group >> bits) & 0xff);
  }
  return decoded;
}

}  // namespace consort
