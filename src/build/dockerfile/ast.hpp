// The syntax of a Dockerfile: instructions with flags, words and here-documents, each with its position in the text.
// Nothing is expanded or looked up here; dockerfile/commands.hpp gives the instructions their meaning.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::build {

// Lines and columns count from 1, columns in Unicode code points; end_line is inclusive.
struct Range {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::uint32_t end_line = 0;
  std::uint32_t end_column = 0;  // one past the last code point
  friend bool operator==(const Range&, const Range&) = default;
};

enum class Keyword : std::uint8_t {
  add,
  arg,
  cmd,
  copy,
  entrypoint,
  env,
  expose,
  from,
  healthcheck,
  label,
  maintainer,
  onbuild,
  run,
  shell,
  stopsignal,
  user,
  volume,
  workdir,
};
std::string_view to_string(Keyword keyword);  // "ADD"

struct Word {
  std::string text;
  Range range;
};

struct Flag {
  std::string name;   // "from" of "--from=build"
  std::string value;  // empty if absent
  bool has_value = false;
  Range range;
};

enum class HeredocExpansion : std::uint8_t { expand, literal };  // literal: the word was quoted
enum class HeredocTabs : std::uint8_t { keep, strip };           // strip: <<-
struct Heredoc {
  std::string name;
  std::string content;  // as written, tabs included
  HeredocExpansion expansion = HeredocExpansion::expand;
  HeredocTabs tabs = HeredocTabs::keep;
  unsigned descriptor = 0;
  Range range;  // of the content's lines
};

struct Instruction {
  Keyword keyword = Keyword::run;
  bool known = true;    // false only in ONBUILD: whether the instruction exists is checked when the trigger runs
  std::string written;  // the keyword as written in the file: "run"
  Range range;          // of the whole instruction, including here-documents
  Range keyword_range;
  std::vector<Flag> flags;
  // What follows the flags: the strings of the JSON array; or words, split as this instruction requires (COPY at white
  // space, ENV and LABEL as key, value, key, value...); or, for RUN, CMD, ENTRYPOINT in shell form and USER, WORKDIR,
  // STOPSIGNAL, MAINTAINER, a single word with the whole rest.
  std::vector<Word> words;
  bool json = false;
  bool key_values = false;        // ENV and LABEL
  bool legacy_key_value = false;  // "ENV key value"
  std::vector<Heredoc> heredocs;
  std::string rest;                   // after the keyword: continuations joined, including flags
  std::string original;               // keyword and rest, continuations joined, as quoted in error messages and history
  std::vector<Instruction> nested;    // ONBUILD: exactly one
  std::vector<std::string> comments;  // above the instruction, for the checks
};

struct Directive {
  std::string name;  // "syntax", "escape", "check"
  std::string value;
  Range range;
};

// A warning that only the parser can detect.
struct ParserNote {
  enum class Kind : std::uint8_t { empty_continuation } kind;
  Range range;
};

struct Dockerfile {
  std::string file;  // its name in messages
  std::string text;
  std::vector<Directive> directives;
  char escape = '\\';
  std::vector<Instruction> instructions;
  std::vector<ParserNote> notes;
  const Directive* directive(std::string_view name) const;
};

inline constexpr std::size_t max_dockerfile_bytes = std::size_t{8} << 20;
inline constexpr std::size_t max_instructions = 65536;

// file is used only in messages. Errors are Code::invalid with a mark; parsing stops at the first one.
Result<Dockerfile> parse_dockerfile(std::string text, const std::string& file);

// One line per instruction, with ranges, for tests and debugging.
std::string dump(const Dockerfile& dockerfile);

}  // namespace consort::build
