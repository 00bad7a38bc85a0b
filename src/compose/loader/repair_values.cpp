// Inside a value: quotes and brackets that are not closed or are closed too early, and characters that YAML reserves.
#include <algorithm>

#include "base/strings.hpp"
#include "compose/loader/repairer.hpp"
#include "compose/schema.hpp"

namespace consort::compose {

namespace {

bool is_quote(char c) {
  return c == '"' || c == '\'';
}

std::string tick(std::string_view text) {
  return "`" + std::string(text) + "`";
}

// The position of the closing quote of a value that starts with one; npos if it is not on this line.
std::size_t closing_quote(std::string_view text) {
  const char quote = text[0];
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return i;
      ++i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

// 'it's fine': the quote inside ends the value.
bool Repairer::inner_quote(const Line& line) {
  const std::optional<LineValue> value = value_of(line);
  if (!value || value->text.size() < 4 || !is_quote(value->text[0]) || value->text.back() != value->text[0])
    return false;
  const char quote = value->text[0];
  if (std::ranges::count(value->text, quote) != 3) return false;
  const std::size_t inner = closing_quote(value->text);
  if (inner == std::string_view::npos || inner + 1 == value->text.size()) return false;
  const std::string right =
      std::string(value->text.substr(0, inner)) + (quote == '"' ? "\\" : "'") + std::string(value->text.substr(inner));
  return replace(
      line.offset + value->begin + inner, 1, quote == '"' ? "\\\"" : "''",
      Words{"inner-quote", where(line) + problem_.problem, "ends the value here",
            "write a quote inside quotes as " + tick(quote == '"' ? "\\\"" : "''") + ": " + right, "double the quote"});
}

// "echo" hello: more text after a quoted one.
bool Repairer::text_after_quote(const Line& line) {
  const std::optional<LineValue> value = value_of(line);
  if (!problem_.problem.starts_with("did not find expected") || !value || value->text.empty() ||
      !is_quote(value->text[0]) || line.number != problem_.at.line + 1) {
    return false;
  }
  const std::size_t close = closing_quote(value->text);
  if (close == std::string_view::npos || close + 1 == value->text.size()) return false;
  const std::string_view rest = value->text.substr(close + 1);
  if (rest[0] == ':' || rest.starts_with(" #")) return false;
  if (rest == "," || rest == ";") {
    return replace(line.offset + value->begin + close + 1, 1, "",
                   Words{"text-after-quote", where(line) + problem_.problem, tick(rest) + " does not belong here",
                         "remove the " + tick(rest) + ": nothing may follow the quoted value", "remove it"});
  }
  const std::string quoted = single_quoted(value->text);
  return replace(line.offset + value->begin, value->text.size(), quoted,
                 Words{"text-after-quote", where(line) + problem_.problem, "continues after its closing quote",
                       "put the whole value in quotes: " + quoted, "put the whole value in quotes"});
}

// "C:\Users": in double quotes a backslash starts an escape.
bool Repairer::windows_path(const Line& line) {
  if (!problem_is("found unknown escape character") && !problem_is("did not find expected hexdecimal number"))
    return false;
  const std::optional<LineValue> value = value_of(line);
  if (!value || value->text.size() < 2 || value->text[0] != '"' || value->text.back() != '"') return false;
  const std::string_view inner = value->text.substr(1, value->text.size() - 2);
  if (inner.find_first_of("\"'") != std::string_view::npos) return false;
  const bool path = inner.size() > 2 && inner.substr(1).starts_with(":\\");
  const std::string quoted = single_quoted(inner);
  return replace(line.offset + value->begin, value->text.size(), quoted,
                 Words{"escape", where(line) + problem_.problem, "in double quotes a backslash starts an escape",
                       "use single quotes: " + quoted + "\nor write each backslash twice", "use single quotes",
                       path ? Certainty::certain : Certainty::guess});
}

// The nearest line, from the problem's upwards, with an odd number of quotes.
bool Repairer::unclosed_quote(const Line& from) {
  if (!problem_is("found unexpected end of stream") && problem_.problem.find("expected") == std::string::npos) {
    return false;
  }
  constexpr std::uint32_t reach = 60;
  for (std::uint32_t number = from.number; number >= 1 && number + reach > from.number; --number) {
    const Line line = line_at(source_, number);
    const std::string_view content = line.text;
    for (const char quote : {'"', '\''}) {
      if (line.blank() || std::ranges::count(content, quote) % 2 == 0) continue;
      std::size_t end = content.size();
      while (end > 0 && (content[end - 1] == ' ' || content[end - 1] == '\t')) --end;
      const char other = quote == '"' ? '\'' : '"';
      const bool mixed = end > 0 && content[end - 1] == other && std::ranges::count(content, other) == 1;
      if (quote == '\'' && !mixed && content.find('"') != std::string_view::npos) continue;
      const std::size_t first = content.find(quote);
      if (first + 1 > end || (mixed && first + 1 >= end)) continue;
      const char before = first > 0 ? content[first - 1] : ' ';
      if (before != ' ' && before != '[' && before != ',' && before != '{') continue;
      if (mixed) {
        return replace(
            line.offset + end - 1, 1, std::string(1, quote),
            Words{"unclosed-quote", where(line) + "found unexpected end of stream",
                  "opened with " + tick(std::string(1, quote)) + ", closed with " + tick(std::string(1, other)),
                  "close it with " + tick(std::string(1, quote)), "close it with the same quote"});
      }
      const bool bracket = end > 0 && content[end - 1] == ']' && content.find('[') != std::string_view::npos;
      return replace(
          line.offset + (bracket ? end - 1 : end), 0, std::string(1, quote),
          Words{"unclosed-quote", where(line) + "found unexpected end of stream",
                tick(std::string(1, quote)) + " is never closed", "close the quote on this line", "close the quote"});
    }
  }
  return false;
}

// {RC: ${RC:-0}}: inside brackets an unquoted `{` starts another mapping.
bool Repairer::variable_in_flow(const Line& line) {
  const std::size_t brace = problem_.at.column;
  if (!problem_.problem.starts_with("did not find expected ','") || line.number != problem_.at.line + 1 || brace == 0 ||
      !line.text.substr(brace - 1).starts_with("${")) {
    return false;
  }
  constexpr std::string_view around = " ,[{";
  std::size_t begin = brace - 1;
  while (begin > 0 && !around.contains(line.text[begin - 1])) --begin;
  std::size_t end = line.text.find('}', brace);
  if (end == std::string_view::npos) return false;
  ++end;
  while (end < line.text.size() && line.text.substr(end).starts_with("${")) {
    const std::size_t next = line.text.find('}', end);
    if (next == std::string_view::npos) return false;
    end = next + 1;
  }
  end = std::min(line.text.find_first_of(" ,]}", end), line.text.size());
  const std::string_view plain = line.text.substr(begin, end - begin);
  if (plain.find_first_of("\"\\") != std::string_view::npos) return false;
  const std::string quoted = "\"" + std::string(plain) + "\"";
  return replace(
      line.offset + begin, plain.size(), quoted,
      Words{"variable-in-flow", where(line) + problem_.problem, "between brackets this `{` starts another mapping",
            "put the value in quotes: " + quoted, "put the value in quotes"});
}

// "image: @foo", "command: %x", "- `x`", "{{ x }}": characters that YAML reserves.
bool Repairer::reserved_start(const Line& line) {
  const bool alias = problem_.problem.starts_with("unknown anchor") &&
                     source_.text().find(": &") == std::string::npos &&
                     source_.text().find("- &") == std::string::npos && !service_shape().find(key_of(line.content()));
  const bool braces = problem_.problem.starts_with("invalid map key");
  if (!problem_is("found character that cannot start any token") &&
      !problem_is("did not find expected alphabetic or numeric character") && !alias && !braces) {
    return false;
  }
  const std::optional<LineValue> value = value_of(line);
  if (!value || value->text.empty() || line.number != problem_.at.line + 1) return false;
  if (std::string_view("@`%*&{").find(value->text[0]) == std::string_view::npos) return false;
  if (alias && value->text[0] != '*') return false;  // an alias inside a mapping is meant as an alias
  if (braces && !value->text.starts_with("{{")) return false;
  const std::string quoted = single_quoted(value->text);
  const std::string sign = braces ? "{{" : std::string(1, value->text[0]);
  const std::string named = sign == "`" ? "the backtick" : tick(sign);
  return replace(
      line.offset + value->begin, value->text.size(), quoted,
      Words{"reserved-character",
            where(line) + (braces ? problem_.problem : "found character that cannot start any token"),
            "YAML keeps " + named + " at the start of a value for itself", "put the value in quotes: " + quoted,
            "put the value in quotes", alias ? Certainty::guess : Certainty::certain});
}

// "[a, b" or "{a: b" without its closing bracket.
bool Repairer::unclosed_bracket(const Line& line) {
  if (!problem_.problem.starts_with("did not find expected ','") || problem_.context_at.line + 1 != line.number) {
    return false;
  }
  const char close = problem_.problem.ends_with("']'") ? ']' : '}';
  const char open = close == ']' ? '[' : '{';
  const std::string_view content = line.text;
  std::size_t end = content.size();
  while (end > 0 && (content[end - 1] == ' ' || content[end - 1] == ',')) --end;
  if (std::ranges::count(content, open) <= std::ranges::count(content, close) || content[end - 1] == open) return false;
  return replace(
      line.offset + end, 0, std::string(1, close),
      Words{"unclosed-bracket", where(line) + problem_.problem, tick(std::string(1, open)) + " is never closed",
            "add " + tick(std::string(1, close)) + " at the end of this line", "close the bracket"});
}

// The same across several lines, as in JSON: closes everything that is still open at the end of the text.
bool Repairer::unclosed_at_end(const Line&) {
  if (!problem_.problem.starts_with("did not find expected ','")) return false;
  std::string_view text = source_.text();
  std::size_t end = text.find_last_not_of(" \r\n");
  if (end == std::string_view::npos || problem_.at.line < source_.place_at(end).line) return false;
  std::string open;
  for (std::size_t i = 0; i <= end; ++i) {
    if (is_quote(text[i])) {
      const std::size_t close = closing_quote(text.substr(i));
      if (close == std::string_view::npos) return false;
      i += close;
    } else if (text[i] == '{' || text[i] == '[') {
      open.push_back(text[i] == '{' ? '}' : ']');
    } else if ((text[i] == '}' || text[i] == ']') && !open.empty()) {
      open.pop_back();
    }
  }
  if (open.empty()) return false;
  std::ranges::reverse(open);
  const Line last = line_at(source_, source_.place_at(end).line);
  return replace(end + 1, 0, "\n" + open,
                 Words{"unclosed-bracket", where(last) + problem_.problem, "the text ends before everything is closed",
                       "add " + tick(open) + " at the end of the file", "close what is open"});
}

// ["a" "b"], or a line of JSON without its comma.
bool Repairer::missing_comma(const Line& line) {
  if (!problem_.problem.starts_with("did not find expected ','") || line.number != problem_.at.line + 1) return false;
  const std::size_t at = source_.offset_of(problem_.at.line + 1, problem_.at.column + 1);
  const std::string_view text = source_.text();
  if (at >= text.size() || (!is_quote(text[at]) && text[at] != '[' && text[at] != '{')) return false;
  const std::size_t before = at == 0 ? std::string_view::npos : text.find_last_not_of(" \r\n", at - 1);
  if (before == std::string_view::npos || std::string_view("\"'}]").find(text[before]) == std::string_view::npos)
    return false;
  // All missing commas of this line, in one report.
  std::vector<Edit> edits{Edit{before + 1, 0, ","}};
  const std::size_t line_end = line.offset + line.text.size();
  for (std::size_t i = at; i < line_end; ++i) {
    if (!is_quote(text[i])) continue;
    const std::size_t close = closing_quote(text.substr(i, line_end - i));
    if (close == std::string_view::npos) break;
    const std::size_t next = text.find_first_not_of(' ', i + close + 1);
    if (next < line_end && is_quote(text[next])) edits.push_back(Edit{i + close + 1, 0, ","});
    i += close;
  }
  return report(before, 1, edits,
                Words{"missing-comma", where(line) + problem_.problem, "a `,` is missing after this",
                      edits.size() > 1 ? "put a `,` between the values" : "add a `,`", "add the comma"});
}

bool Repairer::extra_bracket(const Line& line) {
  if (line.number != problem_.at.line + 1 || !problem_.problem.starts_with("did not find expected")) return false;
  const std::size_t at = source_.offset_of(problem_.at.line + 1, problem_.at.column + 1);
  const std::string_view text = source_.text();
  if (at >= text.size() || (text[at] != ']' && text[at] != '}')) return false;
  const std::string sign(1, text[at]);
  return replace(at, 1, "",
                 Words{"extra-bracket", where(line) + problem_.problem, "closes nothing", "remove the " + tick(sign),
                       "remove it"});
}

// "command: | echo": a block scalar starts on the next line.
bool Repairer::block_header_text(const Line& line) {
  if (!problem_is("did not find expected comment or line break")) return false;
  const std::optional<LineValue> value = value_of(line);
  if (!value || value->text.size() < 3 || (value->text[0] != '|' && value->text[0] != '>')) return false;
  const std::size_t text = value->text.find(' ');
  if (text == std::string_view::npos) return false;
  const std::optional<Line> below = neighbour(line.number, 1);
  const std::size_t indent = below && below->indent > line.indent ? below->indent : line.indent + 2;
  const std::string sign(value->text.substr(0, text));
  return replace(
      line.offset + value->begin + text, 1, "\n" + std::string(indent, ' '),
      Words{"block-text", where(line) + problem_.problem, "nothing may follow " + tick(sign) + " on its line",
            "write the text on the next line, indented by " + std::to_string(indent) + " spaces",
            "move the text to the next line"});
}

}  // namespace consort::compose
