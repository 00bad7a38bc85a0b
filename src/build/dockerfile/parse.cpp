#include <array>

#include "base/strings.hpp"
#include "build/dockerfile/ast.hpp"
#include "build/dockerfile/heredoc.hpp"
#include "build/dockerfile/lines.hpp"
#include "build/dockerfile/suggest.hpp"
#include "build/dockerfile/words.hpp"

namespace consort::build {
namespace {

// How the arguments of an instruction are split.
enum class Shape : std::uint8_t { text, space, json_or_text, json_or_space, key_values, words, health, nested };

struct KeywordInfo {
  std::string_view name;
  Keyword keyword;
  Shape shape;
};
constexpr std::array<KeywordInfo, 18> keywords{{
    {"ADD", Keyword::add, Shape::json_or_space},
    {"ARG", Keyword::arg, Shape::words},
    {"CMD", Keyword::cmd, Shape::json_or_text},
    {"COPY", Keyword::copy, Shape::json_or_space},
    {"ENTRYPOINT", Keyword::entrypoint, Shape::json_or_text},
    {"ENV", Keyword::env, Shape::key_values},
    {"EXPOSE", Keyword::expose, Shape::space},
    {"FROM", Keyword::from, Shape::space},
    {"HEALTHCHECK", Keyword::healthcheck, Shape::health},
    {"LABEL", Keyword::label, Shape::key_values},
    {"MAINTAINER", Keyword::maintainer, Shape::text},
    {"ONBUILD", Keyword::onbuild, Shape::nested},
    {"RUN", Keyword::run, Shape::json_or_text},
    {"SHELL", Keyword::shell, Shape::json_or_text},
    {"STOPSIGNAL", Keyword::stopsignal, Shape::text},
    {"USER", Keyword::user, Shape::text},
    {"VOLUME", Keyword::volume, Shape::json_or_space},
    {"WORKDIR", Keyword::workdir, Shape::text},
}};

bool is_comment(std::string_view line) {
  return trim_left(line).starts_with('#');
}

class Parser {
 public:
  explicit Parser(Dockerfile& out) : out_(out), lines_(out.text) {}

  Result<> run() {
    while (!lines_.at_end()) TRY(one());
    if (out_.instructions.empty()) {
      return fail(Error(Code::invalid).why("file with no instructions").at({out_.file}));
    }
    return {};
  }

 private:
  // Reads one comment, blank line or instruction.
  Result<> one() {
    const std::string_view whole = lines_.take();
    std::string_view line = trim_left(whole);
    if (lines_.number() == 1 && line.starts_with("\xEF\xBB\xBF")) line = trim_left(line.substr(3));
    TRY(directive(line, whole));
    if (line.starts_with('#')) {
      comments_.emplace_back(trim(line.substr(1)));
      return {};
    }
    if (line.empty()) return {};
    const std::uint32_t first = lines_.number();
    LogicalLine logical;
    TRY(join(line, whole, logical));
    if (trim(logical.text()).empty()) return {};
    if (out_.instructions.size() >= max_instructions)
      return fail(Error(Code::invalid).why("too many instructions").at({out_.file, first}));
    Instruction instruction;
    instruction.comments = std::exchange(comments_, {});
    TRY(parse_instruction(logical, 0, instruction));
    TRY(read_heredocs(logical, first, instruction));
    instruction.range.end_line = std::max(instruction.range.end_line, lines_.number());
    out_.instructions.push_back(std::move(instruction));
    return {};
  }

  Result<> join(std::string_view line, std::string_view whole, LogicalLine& logical) {
    bool noted = false;
    bool more = append(line, whole, logical);
    while (more && !lines_.at_end()) {
      const std::string_view next = lines_.take();
      if (is_comment(next)) continue;
      if (trim(next).empty()) {
        noted = true;
        continue;
      }
      more = append(next, next, logical);
      if (logical.text().size() > max_dockerfile_bytes) return fail(Error(Code::invalid).why("line is too long"));
    }
    const auto last = lines_.number();  // the position that BuildKit reports
    if (noted) out_.notes.push_back({ParserNote::Kind::empty_continuation, {last, 1, last, 1}});
    return {};
  }

  // Returns true if the line continues: it ends with one escape character, possibly followed by spaces.
  bool append(std::string_view line, std::string_view whole, LogicalLine& logical) const {
    std::string_view body = line;
    while (!body.empty() && (body.back() == ' ' || body.back() == '\t')) body.remove_suffix(1);
    const bool more = body.ends_with(out_.escape) && (body.size() == 1 || body[body.size() - 2] != out_.escape);
    if (more) body.remove_suffix(1);
    logical.append(more ? body : line, lines_.number(), whole);
    return more;
  }

  Result<> directive(std::string_view line, std::string_view whole) {
    if (directives_done_) return {};
    const auto equals = line.find('=');
    const bool comment = line.starts_with('#') && equals != std::string_view::npos;
    const std::string name = comment ? to_lower(trim(line.substr(1, equals - 1))) : "";
    const std::string_view value = comment ? trim(line.substr(equals + 1)) : "";
    const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    bool valid = !name.empty() && !value.empty() && name[0] >= 'a';
    for (const char c : name) valid = valid && alphanumeric(c);
    if (!valid) {
      directives_done_ = true;
      return {};
    }
    if (name != "syntax" && name != "escape" && name != "check") {
      directives_done_ = true;
      return {};
    }
    const std::uint32_t number = lines_.number();
    const Mark mark{out_.file, number, 1, count_code_points(whole)};
    if (out_.directive(name)) {
      return fail(Error(Code::invalid).why("only one " + name + " parser directive can be used").at(mark));
    }
    if (name == "escape") {
      if (value != "`" && value != "\\") {
        return fail(Error(Code::invalid)
                        .why("invalid escape token '" + std::string(value) + "' does not match ` or \\")
                        .at(mark));
      }
      out_.escape = value.front();
    }
    out_.directives.push_back({name, std::string(value), {number, 1, number, count_code_points(whole) + 1}});
    return {};
  }

  std::unexpected<Error> wrong(const LogicalLine& logical, std::size_t begin, std::size_t end, std::string why) const {
    const Range range = logical.range(begin, end);
    const std::uint32_t length = range.line == range.end_line ? range.end_column - range.column : 0;
    return fail(Error(Code::invalid).why(std::move(why)).at({out_.file, range.line, range.column, length}));
  }

  Result<> parse_instruction(const LogicalLine& logical, std::size_t begin, Instruction& out) {
    const std::string_view text = logical.text();
    std::size_t end = text.size();
    while (end > begin && is_space(text[end - 1])) --end;
    std::size_t pos = begin;
    while (pos < end && !is_space(text[pos])) ++pos;
    out.written = text.substr(begin, pos - begin);
    out.keyword_range = logical.range(begin, pos);
    out.range = logical.range(begin, end);
    const std::string upper = to_upper(out.written);
    const KeywordInfo* info = nullptr;
    for (const auto& candidate : keywords) {
      if (candidate.name == upper) info = &candidate;
    }
    if (!info && begin == 0) return unknown(logical, begin, pos, upper);
    if (info) out.keyword = info->keyword;
    out.known = info != nullptr;
    const std::string_view line = text.substr(0, end);
    while (pos < end && is_space(text[pos])) ++pos;
    out.rest = text.substr(pos, end - pos);
    out.original = text.substr(begin, end - begin);
    const FlagWords flags = split_flags(line, pos);
    for (const auto& piece : flags.flags) {
      const auto equals = piece.text.find('=');
      Flag flag;
      flag.name = piece.text.substr(2, equals == std::string::npos ? std::string::npos : equals - 2);
      flag.has_value = equals != std::string::npos;
      if (flag.has_value) flag.value = piece.text.substr(equals + 1);
      flag.range = logical.range(piece.begin, piece.end);
      out.flags.push_back(std::move(flag));
    }
    return info ? arguments(logical, line, flags.rest, info->shape, out) : Result<>{};
  }

  std::unexpected<Error> unknown(const LogicalLine& logical, std::size_t begin, std::size_t end,
                                 const std::string& upper) const {
    std::vector<std::string> names;
    for (const auto& info : keywords) names.emplace_back(info.name);
    const auto near = suggestion(upper, names);
    const std::string written(logical.text().substr(begin, end - begin));
    std::string why = "unknown instruction: " + written;
    if (near) why += " (did you mean " + (written == upper ? *near : to_lower(*near)) + "?)";
    const std::string line = std::to_string(logical.range(begin, end).line);
    return wrong(logical, begin, end, "dockerfile parse error on line " + line + ": " + why);
  }

  Result<> arguments(const LogicalLine& logical, std::string_view line, std::size_t begin, Shape shape,
                     Instruction& out) {
    const auto put = [&](std::vector<Piece> pieces) {
      for (auto& piece : pieces) out.words.push_back({std::move(piece.text), logical.range(piece.begin, piece.end)});
    };
    const auto whole_rest = [&](std::size_t from) {
      if (from < line.size()) out.words.push_back({std::string(line.substr(from)), logical.range(from, line.size())});
    };
    switch (shape) {
      case Shape::text:
        whole_rest(begin);
        return {};
      case Shape::space:
        put(split_at_space(line, begin));
        return {};
      case Shape::words:
        put(split_words(line, begin, out_.escape));
        return {};
      case Shape::json_or_text:
      case Shape::json_or_space: {
        std::vector<Piece> pieces;
        const JsonList kind = parse_json_list(line, begin, pieces);
        if (kind == JsonList::strings) {
          out.json = true;
          put(std::move(pieces));
        } else if (kind == JsonList::others && shape == Shape::json_or_text) {
          return wrong(logical, begin, line.size(),
                       "when using JSON array syntax, arrays must be comprised of strings only");
        } else if (shape == Shape::json_or_text) {
          whole_rest(begin);
        } else {
          put(split_at_space(line, begin));
        }
        return {};
      }
      case Shape::health: {
        auto words = split_at_space(line, begin);
        if (words.empty()) return {};
        out.words.push_back({to_upper(words[0].text), logical.range(words[0].begin, words[0].end)});
        if (words.size() > 1) return arguments(logical, line, words[1].begin, Shape::json_or_text, out);
        return {};
      }
      case Shape::nested: {
        if (begin >= line.size()) return {};
        out.nested.emplace_back();
        return parse_instruction(logical, begin, out.nested.back());
      }
      case Shape::key_values:
        return key_values(logical, line, begin, out);
    }
    return {};
  }

  Result<> key_values(const LogicalLine& logical, std::string_view line, std::size_t begin, Instruction& out) {
    out.key_values = true;
    auto pieces = split_words(line, begin, out_.escape);
    if (pieces.empty()) return {};
    if (!pieces.front().text.contains('=')) {
      // The old form: one key, followed by its value up to the end of the line.
      std::size_t pos = begin;
      while (pos < line.size() && !is_space(line[pos])) ++pos;
      const std::size_t key_end = pos;
      while (pos < line.size() && is_space(line[pos])) ++pos;
      if (pos >= line.size())
        return wrong(logical, begin, line.size(), std::string(to_string(out.keyword)) + " must have two arguments");
      out.legacy_key_value = true;
      out.words.push_back({std::string(line.substr(begin, key_end - begin)), logical.range(begin, key_end)});
      out.words.push_back({std::string(line.substr(pos)), logical.range(pos, line.size())});
      return {};
    }
    for (auto& piece : pieces) {
      const auto equals = piece.text.find('=');
      if (equals == std::string::npos) {
        return wrong(logical, piece.begin, piece.end,
                     "Syntax error - can't find = in \"" + piece.text + "\". Must be of the form: name=value");
      }
      const Range range = logical.range(piece.begin, piece.end);
      out.words.push_back({piece.text.substr(0, equals), range});
      out.words.push_back({piece.text.substr(equals + 1), range});
    }
    return {};
  }

  Result<> read_heredocs(const LogicalLine& logical, std::uint32_t first, Instruction& instruction) {
    Instruction& owner = instruction.nested.empty() ? instruction : instruction.nested.front();
    const bool allowed =
        owner.keyword == Keyword::add || owner.keyword == Keyword::copy || owner.keyword == Keyword::run;
    if (!allowed || owner.json || !logical.text().contains("<<")) return {};
    auto found = find_heredocs(logical.text());
    if (!found) return wrong(logical, 0, logical.text().size(), found.error().message());
    for (auto& heredoc : *found) {
      bool terminated = false;
      heredoc.range = {lines_.number() + 1, 1, lines_.number(), 1};
      while (!lines_.at_end() && !terminated) {
        std::string_view line = lines_.take();
        std::string_view candidate = line;
        if (heredoc.tabs == HeredocTabs::strip)
          candidate.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
        terminated = candidate == heredoc.name;
        if (terminated) break;
        heredoc.content += line;
        heredoc.content += lines_.line_end(lines_.number());
        heredoc.range.end_line = lines_.number();
        heredoc.range.end_column = count_code_points(line) + 1;
      }
      if (!terminated) {
        return fail(Error(Code::invalid)
                        .why("unterminated heredoc")
                        .at({out_.file, first, 1, 0})
                        .hint("end it with a line that contains only " + heredoc.name));
      }
      owner.heredocs.push_back(std::move(heredoc));
    }
    return {};
  }

  Dockerfile& out_;
  SourceLines lines_;
  bool directives_done_ = false;
  std::vector<std::string> comments_;
};

}  // namespace

std::string_view to_string(Keyword keyword) {
  for (const auto& info : keywords) {
    if (info.keyword == keyword) return info.name;
  }
  return "";
}

const Directive* Dockerfile::directive(std::string_view name) const {
  for (const auto& directive : directives) {
    if (directive.name == name) return &directive;
  }
  return nullptr;
}

Result<Dockerfile> parse_dockerfile(std::string text, const std::string& file) {
  if (text.size() > max_dockerfile_bytes)
    return fail(Error(Code::invalid, "read Dockerfile", {}).on(file).why("larger than 8 MiB"));
  if (text.empty()) return fail(Error(Code::invalid).why("the Dockerfile cannot be empty").at({file}));
  Dockerfile result;
  result.file = file;
  result.text = std::move(text);
  TRY(Parser(result).run());
  return result;
}

}  // namespace consort::build
