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
    switch (node.kind) {
      case Kind::null:
        out_ += "null";
        return;
      case Kind::boolean:
        out_ += node.boolean ? "true" : "false";
        return;
      case Kind::integer:
        out_ += std::to_string(node.integer);
        return;
      case Kind::floating:
        out_ += node.place.line == 0 ? node.text : format_json_float(node.floating);
        return;
      case Kind::string:
      case Kind::timestamp:
        string(node.text);
        return;
      case Kind::sequence:
        sequence(node, depth);
        return;
      case Kind::mapping:
        mapping(node, depth);
        return;
    }
  }

  void sequence(const Node& node, std::size_t depth) {
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
      const char c = text[i];
      const std::size_t length = utf8_length(text, i);
      if (length == 0) {
        out_ += "\\ufffd";
        ++i;
        continue;
      }
      if (length > 1) {
        const std::string_view point = text.substr(i, length);
        if (point == "\xE2\x80\xA8") {
          out_ += "\\u2028";
        } else if (point == "\xE2\x80\xA9") {
          out_ += "\\u2029";
        } else {
          out_ += point;
        }
        i += length;
        continue;
      }
      switch (c) {
        case '"':
          out_ += "\\\"";
          break;
        case '\\':
          out_ += "\\\\";
          break;
        case '\n':
          out_ += "\\n";
          break;
        case '\r':
          out_ += "\\r";
          break;
        case '\t':
          out_ += "\\t";
          break;
        case '\b':
          out_ += "\\b";
          break;
        case '\f':
          out_ += "\\f";
          break;
        default:
          if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
            hex(static_cast<unsigned char>(c));
          } else {
            out_ += c;
          }
      }
      ++i;
    }
    out_ += '"';
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
