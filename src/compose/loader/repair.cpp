// When a text is not YAML, or is YAML but not what its author meant: find the line and the mistake, repair it in
// memory.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/strings.hpp"
#include "compose/loader/loader.hpp"
#include "compose/schema.hpp"

namespace consort::compose {

namespace {

struct Line {
  std::uint32_t number = 0;
  std::size_t offset = 0;  // of its first byte
  std::string_view text;
  std::size_t indent = 0;  // blanks and tabs

  std::string_view content() const { return text.substr(std::min(indent, text.size())); }
  bool blank() const { return content().empty() || content()[0] == '#'; }
};

Line line_at(const Source& source, std::uint32_t number) {
  Line line;
  line.number = number;
  line.offset = source.offset_of(number, 1);
  line.text = source.line(number);
  line.indent = std::min(line.text.find_first_not_of(" \t"), line.text.size());
  return line;
}

bool is_key_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

std::size_t key_length(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() && is_key_char(text[i])) ++i;
  return i;
}

// "key" of "key: value" or "key:", "" otherwise.
std::string_view key_of(std::string_view content) {
  const std::size_t length = key_length(content);
  std::size_t i = length;
  while (i < content.size() && content[i] == ' ') ++i;
  const bool colon = i < content.size() && content[i] == ':' && (i + 1 == content.size() || content[i + 1] == ' ');
  return length > 0 && colon ? content.substr(0, length) : std::string_view();
}

class Repairer {
 public:
  Repairer(Source& source, std::uint32_t index, Reporter& reporter)
      : source_(source), index_(index), reporter_(reporter) {}

  // Looks at the line of the problem, the line before, and where the construct began.
  bool run(const yaml::Problem& problem) {
    std::vector<std::uint32_t> candidates;
    const auto consider = [&](std::uint32_t line) {
      if (line >= 1 && line <= source_.line_count() && !std::ranges::count(candidates, line))
        candidates.push_back(line);
    };
    consider(problem.at.line + 1);
    for (std::uint32_t line = problem.at.line; line >= 1 && line + 6 > problem.at.line; --line) {
      if (!line_at(source_, line).blank()) {
        consider(line);
        break;
      }
    }
    consider(problem.context_at.line + 1);
    for (const std::uint32_t number : candidates) {
      const Line line = line_at(source_, number);
      if (tabs(line) || equals(line) || missing_space(line) || item_in_mapping(line)) return true;
    }
    for (const std::uint32_t number : candidates) {
      const Line line = line_at(source_, number);
      if (missing_colon(line) || unclosed_bracket(line, problem)) return true;
    }
    for (const std::uint32_t number : candidates) {
      const Line line = line_at(source_, number);
      if (colon_in_value(line) || unclosed_quote(line, problem) || odd_indent(line, problem) ||
          reserved_start(line, problem)) {
        return true;
      }
    }
    return false;
  }

 private:
  bool replace(std::size_t offset, std::size_t length, std::string text, std::string_view code, std::string message,
               std::string label, std::string help, std::string title, Certainty certainty = Certainty::certain) {
    Place place = source_.place_at(offset, static_cast<std::uint32_t>(std::max<std::size_t>(length, 1)));
    place.source = index_;
    Diagnostic made = reporter_.error(code, message, place);
    TextEdit edit = source_.repair(offset, length, std::move(text));
    if (edit.file.empty()) {
      reporter_.rewind(reporter_.count() - 1);
      return false;
    }
    Diagnostic& kept = reporter_.diagnostics().back();
    kept.label = std::move(label);
    kept.help = std::move(help);
    kept.fixes.push_back(Fix{std::move(title), certainty, {std::move(edit)}});
    return true;
  }

  std::string where(const Line& line) const {
    return "failed to parse " + source_.path() + ": yaml: line " + std::to_string(line.number) + ": ";
  }

  bool tabs(const Line& line) {
    const std::string_view indent = line.text.substr(0, line.indent);
    if (indent.find('\t') == std::string_view::npos) return false;
    std::string blanks;
    for (const char c : indent) blanks += c == '\t' ? "  " : " ";
    const std::optional<Line> above = neighbour(line.number, -1);
    const std::optional<Line> below = neighbour(line.number, 1);
    const auto has_tab = [](const Line& other) {
      return other.text.substr(0, other.indent).find('\t') != other.text.npos;
    };
    if (above && above->text.ends_with(':') && !has_tab(*above)) {
      const bool sibling =
          below && below->indent > above->indent && !has_tab(*below) && !line.content().starts_with('-');
      blanks = std::string(sibling ? below->indent : above->indent + 2, ' ');
    }
    return replace(line.offset, line.indent, blanks, "tab", where(line) + "found character that cannot start any token",
                   "a tab", "YAML is indented with blanks only", "replace tabs by blanks");
  }

  std::optional<Line> neighbour(std::uint32_t number, int step) const {
    for (std::int64_t at = static_cast<std::int64_t>(number) + step; at >= 1 && at <= source_.line_count();
         at += step) {
      Line line = line_at(source_, static_cast<std::uint32_t>(at));
      if (!line.blank()) return line;
    }
    return std::nullopt;
  }

  // A line with nothing but a word, and something below it that belongs to it.
  bool missing_colon(const Line& line) {
    std::string_view content = line.content();
    while (content.ends_with(' ')) content.remove_suffix(1);
    if (content.empty() || key_length(content) != content.size()) return false;
    const std::optional<Line> below = neighbour(line.number, 1);
    if (!below || below->indent < line.indent) return false;
    if (below->indent == line.indent && !below->content().starts_with("- ")) return false;
    const std::optional<Line> above = neighbour(line.number, -1);
    if (above && above->content().starts_with("- ") && above->indent < line.indent) return false;
    const std::string key(content);
    return replace(line.offset + line.indent + content.size(), 0, ":", "missing-colon",
                   where(line) + "could not find expected ':'", "`:` is missing", "write `" + key + ":`",
                   "add the `:`");
  }

  // "[a, b" or "{a: b" whose end is missing.
  bool unclosed_bracket(const Line& line, const yaml::Problem& problem) {
    if (!problem.problem.starts_with("did not find expected ','") || problem.context_at.line + 1 != line.number) {
      return false;
    }
    const char close = problem.problem.ends_with("']'") ? ']' : '}';
    const char open = close == ']' ? '[' : '{';
    const std::string_view content = line.text;
    if (std::ranges::count(content, open) <= std::ranges::count(content, close)) return false;
    std::size_t end = content.size();
    while (end > 0 && (content[end - 1] == ' ' || content[end - 1] == ',')) --end;
    return replace(line.offset + end, 0, std::string(1, close), "unclosed-bracket", where(line) + problem.problem,
                   std::string("`") + open + "` is never closed",
                   std::string("add `") + close + "` at the end of this line", "close the bracket");
  }

  // "- A=1" below "B: 2".
  bool item_in_mapping(const Line& line) {
    const std::string_view content = line.content();
    if (!content.starts_with("- ")) return false;
    const std::optional<Line> above = neighbour(line.number, -1);
    if (!above || above->indent != line.indent || key_of(above->content()).empty()) return false;
    const std::string_view item = content.substr(2);
    const std::size_t length = key_length(item);
    if (length == 0 || length >= item.size() || item[length] != '=') return false;
    const std::string right = std::string(item.substr(0, length)) + ": " + std::string(item.substr(length + 1));
    return replace(line.offset + line.indent, length + 3, std::string(item.substr(0, length)) + ": ", "mixed-styles",
                   where(line) + "did not find expected key", "a list item among `key: value` lines",
                   "write `" + right + "`, like the lines above", "write it as `key: value`");
  }

  // "version = '3.8'" or "image=nginx" where a mapping is going on.
  bool equals(const Line& line) {
    const std::string_view content = line.content();
    if (content.starts_with('-')) return false;
    const std::size_t length = key_length(content);
    if (length == 0) return false;
    std::size_t begin = length;
    while (begin < content.size() && content[begin] == ' ') ++begin;
    if (begin >= content.size() || content[begin] != '=') return false;
    std::size_t end = begin + 1;
    while (end < content.size() && content[end] == ' ') ++end;
    const std::string key(content.substr(0, length));
    return replace(line.offset + line.indent + length, end - length, ": ", "equals-for-colon",
                   where(line) + "`=` after the key `" + key + "`, where YAML wants `:`", "must be `: `",
                   "write `" + key + ": " + std::string(content.substr(end)) + "`", "replace `=` by `:`");
  }

  // "image:nginx".
  bool missing_space(const Line& line) {
    std::string_view content = line.content();
    std::size_t skipped = 0;
    while (content.starts_with("- ")) {
      content.remove_prefix(2);
      skipped += 2;
    }
    const std::size_t length = key_length(content);
    if (length == 0 || length + 1 >= content.size() || content[length] != ':' || content[length + 1] == ' ')
      return false;
    if (content[length + 1] == '/' || skipped > 0) return false;
    const bool known = service_shape().find(content.substr(0, length)) ||
                       root_shape().find(content.substr(0, length)) || build_shape().find(content.substr(0, length));
    if (!known) return false;
    const std::string key(content.substr(0, length));
    return replace(line.offset + line.indent + skipped + length, 1, ": ", "missing-space",
                   where(line) + "a blank is missing after `" + key + ":`", "add a blank here",
                   "write `" + key + ": " + std::string(content.substr(length + 1)) + "`", "add the blank");
  }

  // "command: echo a: b": the value needs quotes.
  bool colon_in_value(const Line& line) {
    const std::string_view content = line.content();
    const std::string_view key = key_of(content);
    std::size_t begin = 0;
    if (!key.empty()) {
      begin = content.find(':') + 1;
    } else if (content.starts_with("- ")) {
      begin = 1;
    } else {
      return false;
    }
    while (begin < content.size() && content[begin] == ' ') ++begin;
    std::string_view value = content.substr(begin);
    if (const std::size_t comment = value.find(" #"); comment != std::string_view::npos)
      value = value.substr(0, comment);
    while (value.ends_with(' ')) value.remove_suffix(1);
    if (value.empty() || std::string_view("\"'[{|>&*!").find(value[0]) != std::string_view::npos) return false;
    if (value.find(": ") == std::string_view::npos && !value.ends_with(':')) return false;
    const std::string quoted = "'" + replace_all(std::string(value), "'", "''") + "'";
    return replace(line.offset + line.indent + begin, value.size(), quoted, "unquoted-colon",
                   where(line) + "mapping values are not allowed in this context", "`: ` inside a plain value",
                   "put the value in quotes: " + quoted, "put the value in quotes");
  }

  bool unclosed_quote(const Line& line, const yaml::Problem& problem) {
    if (problem.problem != "found unexpected end of stream" && problem.problem.find("expected") == std::string::npos) {
      return false;
    }
    const std::string_view content = line.text;
    for (const char quote : {'"', '\''}) {
      if (std::ranges::count(content, quote) % 2 == 0) continue;
      std::size_t end = content.size();
      while (end > 0 && (content[end - 1] == ' ' || content[end - 1] == '\t')) --end;
      if (quote == '\'' && content.find('"') != std::string_view::npos) continue;
      const std::size_t first = content.find(quote);
      if (first == std::string_view::npos || first + 1 > end) continue;
      const char before = first > 0 ? content[first - 1] : ' ';
      if (before != ' ' && before != '[' && before != ',' && before != '{') continue;
      const bool bracket = end > 0 && content[end - 1] == ']' && content.find('[') != std::string_view::npos;
      return replace(line.offset + (bracket ? end - 1 : end), 0, std::string(1, quote), "unclosed-quote",
                     where(line) + "found unexpected end of stream", std::string("`") + quote + "` is never closed",
                     "close the quote on this line", "close the quote");
    }
    return false;
  }

  // A line that is a little deeper or shallower than its neighbours of the same mapping.
  bool odd_indent(const Line& line, const yaml::Problem& problem) {
    const bool fits = problem.problem == "did not find expected key" ||
                      problem.problem == "mapping values are not allowed in this context" ||
                      problem.problem == "did not find expected '-' indicator" ||
                      problem.problem.starts_with("could not find expected ':'");
    if (!fits || line.blank()) return false;
    std::optional<Line> above;
    for (std::uint32_t number = line.number; number-- > 1;) {
      const Line candidate = line_at(source_, number);
      if (!candidate.blank()) {
        above = candidate;
        break;
      }
    }
    if (!above) return false;
    std::size_t wanted = line.indent;
    if (problem.problem == "mapping values are not allowed in this context") {
      if (line.indent <= above->indent) return false;
      wanted = above->indent;
    } else {
      std::size_t best = std::string::npos;
      for (std::uint32_t number = line.number; number-- > 1;) {
        const Line candidate = line_at(source_, number);
        if (candidate.blank()) continue;
        const std::size_t distance =
            candidate.indent > line.indent ? candidate.indent - line.indent : line.indent - candidate.indent;
        if (distance > 0 && distance < best) {
          best = distance;
          wanted = candidate.indent;
        }
        if (candidate.indent == 0) break;
      }
    }
    if (wanted == line.indent) return false;
    return replace(line.offset, line.indent, std::string(wanted, ' '), "bad-indentation", where(line) + problem.problem,
                   "indented by " + std::to_string(line.indent) + ", its neighbours by " + std::to_string(wanted),
                   "indent the line by " + std::to_string(wanted) + " blanks", "indent it like its neighbours",
                   Certainty::guess);
  }

  // "image: @foo", "command: %x", "- `x`": characters that YAML keeps for itself.
  bool reserved_start(const Line& line, const yaml::Problem& problem) {
    if (problem.problem != "found character that cannot start any token" &&
        problem.problem != "did not find expected alphabetic or numeric character") {
      return false;
    }
    const std::string_view content = line.content();
    std::size_t begin = 0;
    if (!key_of(content).empty()) {
      begin = content.find(':') + 1;
    } else if (content.starts_with("- ")) {
      begin = 1;
    } else {
      return false;
    }
    while (begin < content.size() && content[begin] == ' ') ++begin;
    std::string_view value = content.substr(begin);
    while (value.ends_with(' ')) value.remove_suffix(1);
    if (value.empty() || std::string_view("@`%*&").find(value[0]) == std::string_view::npos) return false;
    const std::string quoted = "'" + replace_all(std::string(value), "'", "''") + "'";
    return replace(line.offset + line.indent + begin, value.size(), quoted, "reserved-character",
                   where(line) + "found character that cannot start any token",
                   std::string("YAML keeps `") + value[0] + "` for itself", "put the value in quotes: " + quoted,
                   "put the value in quotes");
  }

  Source& source_;
  std::uint32_t index_;
  Reporter& reporter_;
};

}  // namespace

bool repair_syntax(Sources& sources, std::uint32_t source, const yaml::Problem& problem, Reporter& reporter) {
  Source* found = sources.get(source);
  return found && Repairer(*found, source, reporter).run(problem);
}

}  // namespace consort::compose
