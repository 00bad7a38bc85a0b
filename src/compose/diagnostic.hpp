// Problems in the user's files, with position, source line, and suggested fix.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/mark.hpp"

namespace consort::compose {

enum class Severity : std::uint8_t { error, warning };

// apply_fixes() applies certain fixes; guesses are only suggested.
enum class Certainty : std::uint8_t { certain, guess };

// Replaces `length` bytes at `offset` of the file's text; length 0 inserts.
struct TextEdit {
  std::string file;
  std::size_t offset = 0;
  std::size_t length = 0;
  std::string replacement;
};

struct Fix {
  std::string title;  // "replace `=` with `:`"
  Certainty certainty = Certainty::guess;
  std::vector<TextEdit> edits;
};

struct RelatedMark {
  Mark mark;
  std::string line_text;
  std::string label;  // "first defined here"
};

struct Diagnostic {
  Severity severity = Severity::error;
  std::string code;     // stable identifier for programs: "unknown-key", "undefined-network"
  std::string message;  // one line; Docker's wording where it has one
  Mark mark;
  std::string line_text;  // of mark.line
  std::string label;      // short text below the marked position
  std::string help;       // what to do; may have several lines
  std::vector<Fix> fixes;
  std::vector<RelatedMark> related;
};

enum class Colour : std::uint8_t { never, always };

// Human-readable text: message, file:line:column, the source line, a caret, the help. Ends with a newline.
std::string render_diagnostic(const Diagnostic& diagnostic, Colour colour);
std::string render_diagnostics(const std::vector<Diagnostic>& diagnostics, Colour colour);
// For programs: a JSON array of objects, and SARIF 2.1.0 for code scanning services.
std::string diagnostics_json(const std::vector<Diagnostic>& diagnostics);
std::string diagnostics_sarif(const std::vector<Diagnostic>& diagnostics);

// The text of a file with the certain fixes for it applied; of overlapping fixes, only the first is applied.
std::string apply_fixes(std::string_view text, const std::string& file, const std::vector<Diagnostic>& diagnostics);

// The first error as an Error (Code::invalid), for callers that need a single value.
Error to_error(const std::vector<Diagnostic>& diagnostics);

}  // namespace consort::compose
