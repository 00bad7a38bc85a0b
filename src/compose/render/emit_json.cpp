#include <algorithm>
#include <cmath>

#include "compose/internal/go_format.hpp"
#include "compose/render/emit.hpp"

namespace consort::compose {

namespace {

class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  std::string run(const Node& node) {
    write(node, 0);
    return std::move(out_);
  }

 private:
  void line(std::size_t depth) {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(depth * 2, ' ');
  }

  void write(const Node& node, std::size_t depth) {
    if (emit_word(out_, node)) return;
    if (node.kind == Kind::floating) {
      floating(node);
    } else if (node.is_sequence()) {
      sequence(node, depth);
    } else if (node.is_mapping()) {
      mapping(node, depth);
    } else {
      string(node.kind == Kind::timestamp ? format_timestamp(node.text) : node.text);
    }
  }

  void floating(const Node& node) {
    if (!std::isfinite(node.floating)) {
      out_ += "null";  // JSON cannot express it
    } else if (node.place.line == 0 || node.is_large_whole()) {
      out_ += node.text;
    } else {
      out_ += format_json_float(node.floating);
    }
  }

  void sequence(const Node& node, std::size_t depth) {
    if (node.nil) {
      out_ += "null";
      return;
    }
    out_ += '[';
    bool first = true;
    for (const Node& item : node.items) {
      if (!first) out_ += ',';
      first = false;
      line(depth + 1);
      write(item, depth + 1);
    }
    if (!first) line(depth);
    out_ += ']';
  }

  void mapping(const Node& node, std::size_t depth) {
    out_ += '{';
    bool first = true;
    for (const Entry& entry : node.entries) {
      if (!first) out_ += ',';
      first = false;
      line(depth + 1);
      string(entry.key);
      out_ += pretty_ ? ": " : ":";
      write(entry.value, depth + 1);
    }
    if (!first) line(depth);
    out_ += '}';
  }

  void hex(unsigned value) {
    out_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out_ += "0123456789abcdef"[(value >> shift) & 0xF];
  }

  // Length of the well-formed UTF-8 sequence at i, or 0.
  static std::size_t utf8_length(std::string_view text, std::size_t i) {
    const auto byte = [&](std::size_t n) {
      return i + n < text.size() ? static_cast<unsigned char>(text[i + n]) : std::uint8_t{0};
    };
    const auto tail = [&](std::size_t n) { return (byte(n) & 0xC0) == 0x80; };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
      const bool odd = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F);
      return tail(1) && tail(2) && !odd ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
      const bool odd = (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F);
      return tail(1) && tail(2) && tail(3) && !odd ? 4 : 0;
    }
    return 0;
  }

  void string(std::string_view text) {
    out_ += '"';
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t length = utf8_length(text, i);
      if (length == 1) {
        ascii(text[i]);
      } else if (length == 0) {
        out_ += "\\ufffd";
      } else {
        beyond_ascii(text.substr(i, length));
      }
      i += std::max<std::size_t>(length, 1);
    }
    out_ += '"';
  }

  void ascii(char c) {
    constexpr std::string_view plain = "\"\\\n\r\t\b\f";
    constexpr std::string_view letters = "\"\\nrtbf";
    const std::size_t short_form = plain.find(c);
    if (short_form != std::string_view::npos) {
      out_ += '\\';
      out_ += letters[short_form];
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
      hex(static_cast<unsigned char>(c));  // Go escapes characters that a browser could take for a tag
    } else {
      out_ += c;
    }
  }

  // Escapes U+2028 and U+2029, which end a line in JavaScript.
  void beyond_ascii(std::string_view point) {
    if (point == "\xE2\x80\xA8") {
      out_ += "\\u2028";
    } else if (point == "\xE2\x80\xA9") {
      out_ += "\\u2029";
    } else {
      out_ += point;
    }
  }

  bool pretty_;
  std::string out_;
};

}  // namespace

std::string emit_json(const Node& root) {
  return Writer(true).run(root);
}
std::string emit_compact_json(const Node& root) {
  return Writer(false).run(root);
}

}  // namespace consort::compose
