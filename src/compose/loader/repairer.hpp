// Repairs text that is not valid YAML, or not what its author meant: one rule for each common mistake.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compose/internal/reporter.hpp"
#include "compose/yaml/parser.hpp"

namespace consort::compose {

struct Line {
  std::uint32_t number = 0;
  std::size_t offset = 0;  // of its first byte
  std::string_view text;
  std::size_t indent = 0;  // spaces and tabs

  std::string_view content() const { return text.substr(std::min(indent, text.size())); }
  bool blank() const { return content().empty() || content()[0] == '#'; }
};

// The value after the dashes and the key of a line, without surrounding spaces and comments.
struct LineValue {
  std::size_t begin = 0;  // within the line's text
  std::string_view text;
};

Line line_at(const Source& source, std::uint32_t number);
std::size_t key_length(std::string_view text);        // of the word at the start of `text`
std::string_view key_of(std::string_view content);    // "key" for "key: value" or "key:", otherwise ""
std::optional<LineValue> value_of(const Line& line);  // nullopt for a line without a key or dash
std::string single_quoted(std::string_view text);

class Repairer {
 public:
  Repairer(Source& source, std::uint32_t index, Reporter& reporter)
      : source_(source), index_(index), reporter_(reporter) {}

  // Applies and reports the first rule that fits the problem, or, with `skip`, the one after that many others. True if
  // the text was changed.
  bool run(const yaml::Problem& problem, int skip);
  // For a line that is valid YAML: repairs a missing or wrong space, dash or colon. True if the text was changed.
  bool run_on_line(std::uint32_t number);

 private:
  using Rule = bool (Repairer::*)(const Line&);
  struct Edit {
    std::size_t offset = 0;
    std::size_t length = 0;
    std::string text;
  };
  struct Words {  // texts of the report
    std::string_view code;
    std::string message;
    std::string label;
    std::string help;
    std::string title;
    Certainty certainty = Certainty::certain;
  };

  // Applies the edits (ascending, not overlapping) and reports; the mark is `length` bytes at `offset`.
  bool report(std::size_t offset, std::size_t length, std::span<const Edit> edits, Words words);
  bool replace(std::size_t offset, std::size_t length, std::string text, Words words);
  std::string where(const Line& line) const;
  std::optional<Line> neighbour(std::uint32_t number, int step) const;
  std::vector<std::uint32_t> candidates() const;
  bool first_that_fits(std::span<const std::uint32_t> lines, std::span<const Rule> rules);
  bool problem_is(std::string_view text) const { return problem_.problem == text; }

  // repair_foreign.cpp: text that was never meant to be YAML.
  bool odd_characters(const Line& line);
  bool merge_conflict(const Line& line);
  bool foreign_comment(const Line& line);
  bool code_fence(const Line& line);
  bool shell_prompt(const Line& line);

  // repair_keys.cpp: between key and value.
  bool equals(const Line& line);
  bool missing_space(const Line& line);
  bool missing_colon(const Line& line);
  bool value_without_colon(const Line& line);
  bool merge_key(const Line& line);
  bool colon_in_value(const Line& line);

  // repair_values.cpp: quotes, brackets, reserved characters.
  bool inner_quote(const Line& line);
  bool text_after_quote(const Line& line);
  bool windows_path(const Line& line);
  bool unclosed_quote(const Line& line);
  bool reserved_start(const Line& line);
  bool variable_in_flow(const Line& line);
  bool unclosed_bracket(const Line& line);
  bool unclosed_at_end(const Line& line);
  bool missing_comma(const Line& line);
  bool extra_bracket(const Line& line);
  bool block_header_text(const Line& line);

  // repair_layout.cpp: indentation and dashes.
  bool tabs(const Line& line);
  bool dash_without_space(const Line& line);
  bool dash_behind_key(const Line& line);
  bool missing_dash(const Line& line);
  bool item_in_mapping(const Line& line);
  bool mapping_in_list(const Line& line);
  bool item_with_body(const Line& line);
  bool block_text(const Line& line);
  bool body_of_short_build(const Line& line);
  bool odd_indent(const Line& line);
  bool indented_start(const Line& line);

  Source& source_;
  std::uint32_t index_;
  Reporter& reporter_;
  yaml::Problem problem_;
  int skip_ = 0;
};

}  // namespace consort::compose
