#include <algorithm>
#include <array>

#include "compose/internal/go_format.hpp"
#include "compose/render/emit.hpp"
#include "compose/yaml/escapes.hpp"
#include "compose/yaml/parser.hpp"

namespace consort::compose {

namespace {

bool is_utf8_printable(std::string_view text, std::size_t i) {
  const auto c = static_cast<unsigned char>(text[i]);
  const auto next = [&](std::size_t n) {
    return i + n < text.size() ? static_cast<unsigned char>(text[i + n]) : std::uint8_t{0};
  };
  if (c == 0x0A || (c >= 0x20 && c <= 0x7E)) return true;
  if (c == 0xC2) return next(1) >= 0xA0;
  if (c > 0xC2 && c < 0xED) return true;
  if (c == 0xED) return next(1) < 0xA0;
  if (c == 0xEE) return true;
  if (c != 0xEF) return false;
  return !(next(1) == 0xBB && next(2) == 0xBF) && !(next(1) == 0xBF && (next(2) == 0xBE || next(2) == 0xBF));
}

std::size_t width(std::string_view text, std::size_t i) {
  const auto c = static_cast<unsigned char>(text[i]);
  const std::size_t wanted = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
  return std::min(wanted, text.size() - i);
}

bool is_break(std::string_view text, std::size_t i) {
  const char c = text[i];
  if (c == '\n' || c == '\r') return true;
  if (c == '\xC2') return i + 1 < text.size() && text[i + 1] == '\x85';
  return c == '\xE2' && i + 2 < text.size() && text[i + 1] == '\x80' &&
         (text[i + 2] == '\xA8' || text[i + 2] == '\xA9');
}
bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

struct Analysis {
  bool multiline = false;
  bool plain = true;
  bool single = true;
  bool block = true;
};

Analysis analyze(std::string_view text) {
  Analysis result;
  if (text.empty()) {
    result.block = false;
    return result;
  }
  bool indicators = text.starts_with("---") || text.starts_with("...");
  bool special = false;
  bool tab = false;
  bool edge_space = false;
  bool trailing_space = false;
  bool break_space = false;
  bool space_break = false;
  bool previous_space = false;
  bool previous_break = false;
  bool after_blank = true;
  for (std::size_t i = 0, w = 0; i < text.size(); i += w) {
    w = width(text, i);
    const char c = text[i];
    const bool before_blank = i + w >= text.size() || is_blank(text[i + w]);
    if (i == 0) {
      constexpr std::string_view leading = "#,[]{}&*!|>'\"%@`";
      if (leading.find(c) != std::string_view::npos) indicators = true;
      if ((c == '?' || c == ':' || c == '-') && before_blank) indicators = true;
    } else if ((c == ':' && before_blank) || (c == '#' && after_blank)) {
      indicators = true;
    }
    if (c == '\t') {
      tab = true;
    } else if (!is_utf8_printable(text, i)) {
      special = true;
    }
    if (c == ' ') {
      if (i == 0) edge_space = true;
      if (i + w == text.size()) edge_space = trailing_space = true;
      if (previous_break) break_space = true;
      previous_space = true;
      previous_break = false;
    } else if (is_break(text, i)) {
      result.multiline = true;
      if (i == 0 || i + w == text.size()) edge_space = true;
      if (previous_space) space_break = true;
      previous_space = false;
      previous_break = true;
    } else {
      previous_space = previous_break = false;
    }
    after_blank = is_blank(c) || is_break(text, i);
  }
  result.plain = !edge_space && !break_space && !space_break && !tab && !special && !result.multiline && !indicators;
  result.single = !break_space && !space_break && !tab && !special;
  result.block = !trailing_space && !space_break && !special;
  return result;
}

// 1:20, 1:20:30.5: YAML 1.1 reads these as numbers of base 60.
bool is_base60(std::string_view text) {
  if (text.empty() || text.find(':') == std::string_view::npos) return false;
  std::size_t i = text[0] == '-' || text[0] == '+' ? 1 : 0;
  const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  if (!digit(i)) return false;
  while (digit(i) || (i < text.size() && text[i] == '_')) ++i;
  int groups = 0;
  while (i < text.size() && text[i] == ':') {
    ++i;
    if (!digit(i)) return false;
    if (digit(i + 1) && text[i] > '5') return false;
    i += digit(i + 1) ? 2 : 1;
    ++groups;
  }
  if (groups == 0) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    while (digit(i) || (i < text.size() && text[i] == '_')) ++i;
  }
  return i == text.size();
}

bool is_old_boolean(std::string_view text) {
  constexpr std::array<std::string_view, 16> words{"y", "Y", "yes", "Yes", "YES", "on",  "On",  "ON",
                                                   "n", "N", "no",  "No",  "NO",  "off", "Off", "OFF"};
  return std::ranges::count(words, text) > 0;
}

class Emitter {
 public:
  std::string run(const Node& root) {
    value(root, 0, false);
    if (!out_.ends_with('\n')) out_ += '\n';
    return std::move(out_);
  }

 private:
  void indent(std::size_t depth) { out_.append(depth, ' '); }

  // Writes a value after "key:" or "-"; `depth` is the indentation of the surrounding collection.
  void value(const Node& node, std::size_t depth, bool after_dash) {
    switch (node.kind) {
      case Kind::mapping:
        if (node.entries.empty()) {
          out_ += "{}\n";
          return;
        }
        mapping(node, depth, after_dash);
        return;
      case Kind::sequence:
        if (node.items.empty()) {
          out_ += "[]\n";
          return;
        }
        sequence(node, depth, after_dash);
        return;
      default:
        scalar(node, depth);
        out_ += '\n';
    }
  }

  void mapping(const Node& node, std::size_t depth, bool inline_first) {
    bool first = true;
    for (const Entry& entry : node.entries) {
      if (!(first && inline_first)) indent(depth);
      first = false;
      key(entry.key, depth);
      out_ += ':';
      below(entry.value, depth + 2);
    }
  }

  void sequence(const Node& node, std::size_t depth, bool inline_first) {
    bool first = true;
    for (const Node& item : node.items) {
      if (!(first && inline_first)) indent(depth);
      first = false;
      out_ += "- ";
      value(item, depth + 2, true);
    }
  }

  void below(const Node& node, std::size_t depth) {
    const bool nested = !node.entries.empty() || !node.items.empty();
    out_ += nested ? '\n' : ' ';
    value(node, depth, false);
  }

  void key(const std::string& text, std::size_t depth) {
    const Analysis analysis = analyze(text);
    if (text.size() > 128 || analysis.multiline) {
      out_ += "? ";
      string(text, depth + 2, false);
      out_ += '\n';
      indent(depth);
      return;
    }
    string(text, depth, true);
  }

  void scalar(const Node& node, std::size_t depth) {
    if (emit_word(out_, node)) return;
    if (node.kind == Kind::floating) {
      floating(node);
    } else if (node.kind == Kind::timestamp) {
      out_ += format_timestamp(node.text);
    } else {
      string(node.text, depth, false);
    }
  }

  void floating(const Node& node) {
    if (node.floating != node.floating) {
      out_ += ".nan";
    } else if (node.floating > 1.7e308 && node.floating * 2 == node.floating) {
      out_ += ".inf";
    } else if (node.floating < -1.7e308 && node.floating * 2 == node.floating) {
      out_ += "-.inf";
    } else if (node.place.line == 0 || node.is_large_whole()) {
      out_ += node.text;
    } else {
      out_ += format_float(node.floating);
    }
  }

  void string(const std::string& text, std::size_t depth, bool as_key) {
    const Analysis analysis = analyze(text);
    const bool lines = text.find('\n') != std::string::npos;
    if (lines && analysis.block && !as_key) return literal(text, depth);
    const bool plain = yaml::resolves_to_string(text) && !is_base60(text) && !is_old_boolean(text);
    if (lines || !plain) return double_quoted(text);
    if (analysis.plain) {
      out_ += text;
    } else if (analysis.single) {
      single_quoted(text);
    } else {
      double_quoted(text);
    }
  }

  void single_quoted(std::string_view text) {
    out_ += '\'';
    for (const char c : text) {
      if (c == '\'') out_ += '\'';
      out_ += c;
    }
    out_ += '\'';
  }

  void double_quoted(std::string_view text) {
    out_ += '"';
    for (std::size_t i = 0, w = 0; i < text.size(); i += w) {
      w = width(text, i);
      const char c = text[i];
      if (is_utf8_printable(text, i) && !is_break(text, i) && c != '"' && c != '\\') {
        out_.append(text.substr(i, w));
      } else {
        escape(text.substr(i, w));
      }
    }
    out_ += '"';
  }

  void escape(std::string_view bytes) {
    char32_t value = static_cast<unsigned char>(bytes[0]);
    if (bytes.size() > 1) {
      value &= bytes.size() == 2 ? 0x1FU : bytes.size() == 3 ? 0x0FU : 0x07U;
      for (const char c : bytes.substr(1)) value = (value << 6) | (static_cast<unsigned char>(c) & 0x3FU);
    }
    const auto known = std::ranges::find(yaml::escapes, value, &yaml::Escape::character);
    if (known != yaml::escapes.end()) {
      out_ += '\\';
      out_ += known->letter;
      return;
    }
    const int digits = value <= 0xFF ? 2 : value <= 0xFFFF ? 4 : 8;
    out_ += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out_ += "0123456789ABCDEF"[(value >> shift) & 0xF];
  }

  void literal(std::string_view text, std::size_t depth) {
    out_ += '|';
    if (text[0] == ' ' || text[0] == '\n') out_ += '2';
    if (!text.ends_with('\n')) {
      out_ += '-';
    } else if (text.size() == 1 || text[text.size() - 2] == '\n') {
      out_ += '+';
    }
    out_ += '\n';
    if (text.ends_with('\n')) text.remove_suffix(1);
    std::size_t at = 0;
    for (;;) {
      const std::size_t end = text.find('\n', at);
      const std::string_view line = text.substr(at, end == std::string_view::npos ? end : end - at);
      if (!line.empty()) {
        indent(depth);
        out_ += line;
      }
      if (end == std::string_view::npos) break;
      out_ += '\n';
      at = end + 1;
    }
  }

  std::string out_;
};

}  // namespace

bool emit_word(std::string& into, const Node& node) {
  if (node.kind == Kind::null) {
    into += "null";
  } else if (node.kind == Kind::boolean) {
    into += node.boolean ? "true" : "false";
  } else if (node.kind == Kind::integer) {
    into += std::to_string(node.integer);
  } else {
    return false;
  }
  return true;
}

std::string emit_yaml(const Node& root) {
  return Emitter().run(root);
}

std::string escape_dollars(std::string text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    out.push_back(c);
    if (c == '$') out.push_back('$');
  }
  return out;
}

}  // namespace consort::compose
