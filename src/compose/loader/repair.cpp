// Repairs text that is not YAML: finds the line and the mistake, and corrects it in memory.
#include <algorithm>
#include <utility>

#include "base/strings.hpp"
#include "compose/loader/loader.hpp"
#include "compose/loader/repairer.hpp"

namespace consort::compose {

Line line_at(const Source& source, std::uint32_t number) {
  Line line;
  line.number = number;
  line.offset = source.offset_of(number, 1);
  line.text = source.line(number);
  line.indent = std::min(line.text.find_first_not_of(" \t"), line.text.size());
  return line;
}

namespace {

bool is_key_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

}  // namespace

std::size_t key_length(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() && is_key_char(text[i])) ++i;
  return i;
}

std::string_view key_of(std::string_view content) {
  const std::size_t length = key_length(content);
  std::size_t i = length;
  while (i < content.size() && content[i] == ' ') ++i;
  const bool colon = i < content.size() && content[i] == ':' && (i + 1 == content.size() || content[i + 1] == ' ');
  return length > 0 && colon ? content.substr(0, length) : std::string_view();
}

std::optional<LineValue> value_of(const Line& line) {
  std::size_t begin = line.indent;
  const auto skip_blanks = [&] {
    while (begin < line.text.size() && line.text[begin] == ' ') ++begin;
  };
  while (line.text.substr(begin).starts_with("- ")) {
    begin += 2;
    skip_blanks();
  }
  if (!key_of(line.text.substr(begin)).empty()) {
    begin = line.text.find(':', begin) + 1;
    skip_blanks();
  }
  if (begin == line.indent) return std::nullopt;
  LineValue value{begin, line.text.substr(begin)};
  if (!value.text.empty() && value.text[0] != '"' && value.text[0] != '\'') {
    value.text = value.text.substr(0, value.text.find(" #"));
  }
  while (value.text.ends_with(' ')) value.text.remove_suffix(1);
  return value;
}

std::string single_quoted(std::string_view text) {
  return "'" + replace_all(std::string(text), "'", "''") + "'";
}

// Each edit shifts the text after it: a file with more mistakes than this is not repaired.
constexpr std::size_t most_edits = 1000;

bool Repairer::report(std::size_t offset, std::size_t length, std::span<const Edit> edits, Words words) {
  if (edits.size() > most_edits) return false;
  if (skip_ > 0) {
    --skip_;
    return false;
  }
  Place place = source_.place_at(offset, static_cast<std::uint32_t>(std::max<std::size_t>(length, 1)));
  place.source = index_;
  Diagnostic& made = reporter_.error(words.code, std::move(words.message), place);
  Fix fix{std::move(words.title), words.certainty, {}};
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit) {  // the last one first: earlier offsets stay valid
    TextEdit done = source_.repair(edit->offset, edit->length, edit->text);
    if (!done.file.empty()) fix.edits.insert(fix.edits.begin(), std::move(done));
  }
  if (fix.edits.empty()) {
    reporter_.rewind(reporter_.count() - 1);
    return false;
  }
  made.label = std::move(words.label);
  made.help = std::move(words.help);
  made.fixes.push_back(std::move(fix));
  return true;
}

bool Repairer::replace(std::size_t offset, std::size_t length, std::string text, Words words) {
  const Edit edit{offset, length, std::move(text)};
  return report(offset, length, std::span(&edit, 1), std::move(words));
}

std::string Repairer::where(const Line& line) const {
  return "failed to parse " + source_.path() + ": yaml: line " + std::to_string(line.number) + ": ";
}

std::optional<Line> Repairer::neighbour(std::uint32_t number, int step) const {
  for (std::int64_t at = static_cast<std::int64_t>(number) + step; at >= 1 && at <= source_.line_count(); at += step) {
    Line line = line_at(source_, static_cast<std::uint32_t>(at));
    if (!line.blank()) return line;
  }
  return std::nullopt;
}

// The line in which a multi-line plain scalar begins that ends in the problem's line; then that line, the one before,
// and the line where the construct began.
std::vector<std::uint32_t> Repairer::candidates() const {
  std::vector<std::uint32_t> found;
  const auto consider = [&](std::uint32_t number) {
    if (number >= 1 && number <= source_.line_count() && !std::ranges::count(found, number)) found.push_back(number);
  };
  const std::uint32_t here = problem_.at.line + 1;
  std::uint32_t top = here;
  for (std::optional<Line> above = neighbour(here, -1); above; above = neighbour(above->number, -1)) {
    const bool plain = key_of(above->content()).empty() && !above->content().starts_with("- ");
    if (!plain || above->indent < line_at(source_, here).indent || here - above->number > 100) break;
    top = above->number;
  }
  if (top != here) consider(top);
  consider(here);
  if (const std::optional<Line> above = neighbour(here, -1); above && here - above->number < 6) {
    consider(above->number);
  }
  consider(problem_.context_at.line + 1);
  return found;
}

bool Repairer::first_that_fits(std::span<const std::uint32_t> lines, std::span<const Rule> rules) {
  for (const std::uint32_t number : lines) {
    const Line line = line_at(source_, number);
    if (std::ranges::any_of(rules, [&](Rule rule) { return (this->*rule)(line); })) return true;
  }
  return false;
}

bool Repairer::run(const yaml::Problem& problem, int skip) {
  problem_ = problem;
  skip_ = skip;
  // More certain rules come first.
  static constexpr Rule foreign[]{&Repairer::merge_conflict, &Repairer::code_fence, &Repairer::foreign_comment,
                                  &Repairer::odd_characters};
  static constexpr Rule keys[]{&Repairer::tabs,
                               &Repairer::mapping_in_list,
                               &Repairer::equals,
                               &Repairer::missing_space,
                               &Repairer::item_in_mapping,
                               &Repairer::dash_without_space,
                               &Repairer::dash_behind_key,
                               &Repairer::merge_key,
                               &Repairer::block_header_text};
  static constexpr Rule structure[]{&Repairer::variable_in_flow, &Repairer::block_text,       &Repairer::missing_comma,
                                    &Repairer::missing_colon,    &Repairer::unclosed_bracket, &Repairer::extra_bracket,
                                    &Repairer::unclosed_at_end,  &Repairer::missing_dash,     &Repairer::item_with_body,
                                    &Repairer::indented_start};
  static constexpr Rule values[]{&Repairer::windows_path, &Repairer::inner_quote, &Repairer::text_after_quote,
                                 &Repairer::colon_in_value, &Repairer::unclosed_quote};
  static constexpr Rule guesses[]{&Repairer::body_of_short_build, &Repairer::value_without_colon, &Repairer::odd_indent,
                                  &Repairer::reserved_start, &Repairer::shell_prompt};
  const std::vector<std::uint32_t> lines = candidates();
  return first_that_fits(lines, foreign) || first_that_fits(lines, keys) || first_that_fits(lines, structure) ||
         first_that_fits(lines, values) || first_that_fits(lines, guesses);
}

bool Repairer::run_on_line(std::uint32_t number) {
  static constexpr Rule rules[]{&Repairer::odd_characters, &Repairer::dash_without_space, &Repairer::equals,
                                &Repairer::missing_space};
  return first_that_fits(std::span(&number, 1), rules);
}

bool repair_syntax(Sources& sources, std::uint32_t source, const yaml::Problem& problem, int skip, Reporter& reporter) {
  Source* found = sources.get(source);
  return found && Repairer(*found, source, reporter).run(problem, skip);
}

}  // namespace consort::compose
