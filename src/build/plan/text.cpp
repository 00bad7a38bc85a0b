#include "build/plan/text.hpp"

#include <array>

namespace consort::build {
namespace {

std::string escape_of(unsigned char c, char quote) {
  constexpr std::string_view hex = "0123456789abcdef";
  switch (c) {
    case '\a':
      return "\\a";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\v':
      return "\\v";
    case '\\':
      return "\\\\";
    default:
      break;
  }
  if (c == static_cast<unsigned char>(quote)) return std::string("\\") + quote;
  if (c < 0x20 || c == 0x7F) return std::string("\\x") + hex[c >> 4] + hex[c & 15];
  return std::string(1, static_cast<char>(c));
}

std::string quoted_rune(int value) {
  if (value < 0x80) return "'" + escape_of(static_cast<unsigned char>(value), '\'') + "'";
  std::string hex;
  for (int rest = value; rest > 0; rest >>= 4) hex.insert(hex.begin(), "0123456789abcdef"[rest & 15]);
  while (hex.size() < 4) hex.insert(hex.begin(), '0');
  return "'\\u" + hex + "'";
}

}  // namespace

std::string go_quote(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) result += escape_of(static_cast<unsigned char>(c), '"');
  return result + "\"";
}

std::string go_quoted_list(std::span<const std::string> words) {
  std::string result = "[";
  for (std::size_t i = 0; i < words.size(); ++i) result += (i ? " " : "") + go_quote(words[i]);
  return result + "]";
}

std::string go_list(std::span<const std::string> words) {
  std::string result = "[";
  for (std::size_t i = 0; i < words.size(); ++i) result += (i ? " " : "") + words[i];
  return result + "]";
}

std::string go_healthcheck(const image::Healthcheck& check) {
  std::string result = "&{" + go_quoted_list(check.test);
  for (const Nanoseconds duration : {check.interval, check.timeout, check.start_period, check.start_interval})
    result += " \"" + format_duration(duration) + "\"";
  return result + " " + quoted_rune(check.retries) + "}";
}

}  // namespace consort::build
