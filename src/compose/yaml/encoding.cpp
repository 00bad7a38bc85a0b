#include "compose/yaml/encoding.hpp"

#include <cstdint>

namespace consort::compose::yaml {

namespace {

void append_utf8(std::string& into, std::uint32_t value) {
  const auto tail = [&](int shift) { into.push_back(static_cast<char>(0x80 | ((value >> shift) & 0x3F))); };
  if (value < 0x80) {
    into.push_back(static_cast<char>(value));
  } else if (value < 0x800) {
    into.push_back(static_cast<char>(0xC0 | (value >> 6)));
    tail(0);
  } else if (value < 0x10000) {
    into.push_back(static_cast<char>(0xE0 | (value >> 12)));
    tail(6);
    tail(0);
  } else {
    into.push_back(static_cast<char>(0xF0 | (value >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

Problem problem_at(std::string_view text, std::size_t offset, std::string what) {
  Position at;
  at.offset = offset;
  for (std::size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'))) {
      ++at.line;
      at.column = 0;
    } else if ((text[i] & '\xC0') != '\x80') {
      ++at.column;
    }
  }
  return Problem{{}, at, std::move(what), at};
}

bool is_control(std::uint32_t value) {
  if (value < 0x20) return value != '\t' && value != '\n' && value != '\r';
  return (value >= 0x7F && value < 0xA0 && value != 0x85) || value == 0xFFFE || value == 0xFFFF;
}

}  // namespace

std::optional<Problem> find_bad_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead >= 0x20 && lead < 0x7F) {
      ++i;
      continue;
    }
    const std::size_t length = lead < 0x80             ? 1
                               : (lead & 0xE0) == 0xC0 ? 2
                               : (lead & 0xF0) == 0xE0 ? 3
                               : (lead & 0xF8) == 0xF0 ? 4
                                                       : 0;
    if (length == 0) return problem_at(text, i, "invalid leading UTF-8 octet");
    if (i + length > text.size()) return problem_at(text, i, "incomplete UTF-8 octet sequence");
    std::uint32_t value = length == 1 ? lead : lead & (0x7Fu >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0) != 0x80) return problem_at(text, i, "invalid trailing UTF-8 octet");
      value = (value << 6) | (next & 0x3F);
    }
    constexpr std::uint32_t least[]{0, 0, 0x80, 0x800, 0x10000};
    if (value < least[length]) return problem_at(text, i, "invalid length of a UTF-8 sequence");
    if ((value >= 0xD800 && value < 0xE000) || value > 0x10FFFF)
      return problem_at(text, i, "invalid Unicode character");
    if (is_control(value)) return problem_at(text, i, "control characters are not allowed");
    i += length;
  }
  return std::nullopt;
}

std::optional<std::string> decode_utf16(std::string_view text) {
  const bool little = text.starts_with("\xFF\xFE");
  if ((!little && !text.starts_with("\xFE\xFF")) || text.size() % 2 != 0) return std::nullopt;
  const auto unit = [&](std::size_t i) {
    const auto first = static_cast<unsigned char>(text[i]);
    const auto second = static_cast<unsigned char>(text[i + 1]);
    return static_cast<std::uint32_t>(little ? first | second << 8 : first << 8 | second);
  };
  std::string out;
  for (std::size_t i = 2; i < text.size(); i += 2) {
    std::uint32_t value = unit(i);
    if (value >= 0xD800 && value < 0xDC00 && i + 3 < text.size()) {
      const std::uint32_t low = unit(i + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
        i += 2;
      }
    }
    append_utf8(out, value);
  }
  return out;
}

}  // namespace consort::compose::yaml
