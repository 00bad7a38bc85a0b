#include "base/letters.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace consort {

namespace {

struct Range {
  char32_t first, last;
};

// C1 control characters, and characters that change the direction of the text after them. C0 is handled separately.
constexpr std::array steering{Range{0x7f, 0x9f},     Range{0x061c, 0x061c}, Range{0x200e, 0x200f},
                              Range{0x2028, 0x202e}, Range{0x2066, 0x2069}, Range{0xfff9, 0xfffb}};

std::string made_visible(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    std::array<char, 8> escaped;
    std::snprintf(escaped.data(), escaped.size(), "\\x%02x", static_cast<unsigned char>(c));
    text += escaped.data();
  }
  return text;
}

std::string cleaned(std::string_view text, std::string_view kept) {
  std::string result;
  while (!text.empty()) {
    const Letter letter = first_letter(text);
    const bool fit = letter.valid && (!steers_terminal(letter) || kept.contains(letter.bytes[0]));
    result += fit ? std::string(letter.bytes) : made_visible(letter.bytes);
    text.remove_prefix(letter.bytes.size());
  }
  return result;
}

}  // namespace

Letter first_letter(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const Letter broken{text.substr(0, 1)};
  const unsigned char head = byte(0);
  if (head < 0x80) return {text.substr(0, 1), head, true};
  const std::size_t size = head >= 0xf0 ? 4 : head >= 0xe0 ? 3 : 2;
  if (head < 0xc2 || head > 0xf4 || text.size() < size) return broken;
  char32_t point = head & (0x7f >> size);
  for (std::size_t at = 1; at < size; ++at) {
    if ((byte(at) & 0xc0) != 0x80) return broken;
    point = point << 6 | (byte(at) & 0x3f);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return broken;
  return {text.substr(0, size), point, true};
}

bool steers_terminal(const Letter& letter) {
  if (!letter.valid) return false;
  if (letter.point < 0x20) return true;
  return std::ranges::any_of(
      steering, [&](const Range& range) { return range.first <= letter.point && letter.point <= range.last; });
}

std::string sanitized(std::string_view text) {
  return cleaned(text, "\t");
}

std::string sanitized_text(std::string_view text) {
  return cleaned(text, "\t\n");
}

// ASCII control characters appear in JSON only as escapes; the others all have four digits.
std::string sanitized_json(std::string_view json) {
  std::string result;
  while (!json.empty()) {
    const Letter letter = first_letter(json);
    if (steers_terminal(letter)) {
      std::array<char, 8> escaped;
      std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(letter.point & 0xffff));
      result += escaped.data();
    } else {
      result += letter.bytes;
    }
    json.remove_prefix(letter.bytes.size());
  }
  return result;
}

}  // namespace consort
