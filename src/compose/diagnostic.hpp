// What is wrong with the user's files, with the place, the line, and the repair.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/mark.hpp"

namespace consort::compose {

enum class Severity : std::uint8_t { error, warning };

// Certain fixes are applied by apply_fixes(); the others are suggestions.
enum class Certainty : std::uint8_t { certain, guess };

// Replace `length` bytes at `offset` of the file's text. length 0 inserts.
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
  std::string code;     // stable, for machines: "unknown-key", "undefined-network"
  std::string message;  // one line, Docker's words where the fact table lists them
  Mark mark;
  std::string line_text;  // of mark.line
  std::string label;      // short text under the marked place
  std::string help;       // what to do, may span lines
  std::vector<Fix> fixes;
  std::vector<RelatedMark> related;
};

enum class Colour : std::uint8_t { never, always };

// Text for people: message, file:line:column, the line, a caret, the help. Ends with a newline.
std::string render_diagnostic(const Diagnostic& diagnostic, Colour colour);
std::string render_diagnostics(const std::vector<Diagnostic>& diagnostics, Colour colour);
// For machines: an array of objects; and SARIF 2.1.0 for code-scanning services.
std::string diagnostics_json(const std::vector<Diagnostic>& diagnostics);
std::string diagnostics_sarif(const std::vector<Diagnostic>& diagnostics);

// The text of one file with the certain fixes that concern it applied; overlapping ones after the first are left out.
std::string apply_fixes(std::string_view text, const std::string& file, const std::vector<Diagnostic>& diagnostics);

// The first error as an Error (code invalid), for callers that want one value.
Error to_error(const std::vector<Diagnostic>& diagnostics);

}  // namespace consort::compose
