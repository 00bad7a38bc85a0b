#include "build/dockerfile/ast.hpp"

namespace consort::build {
namespace {

// Not called `quoted`: with a std::string the compiler would pick std::quoted if <iomanip> happens to be included.
std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        result += "\\\"";
        break;
      case '\\':
        result += "\\\\";
        break;
      case '\n':
        result += "\\n";
        break;
      case '\t':
        result += "\\t";
        break;
      case '\r':
        result += "\\r";
        break;
      default:
        result += c;
    }
  }
  return result + "\"";
}

std::string place(const Range& range) {
  return std::to_string(range.line) + ":" + std::to_string(range.column) + "-" + std::to_string(range.end_line) + ":" +
         std::to_string(range.end_column);
}

void dump(const Instruction& instruction, const std::string& indent, std::string& out) {
  out += indent + place(instruction.range) + " " + std::string(to_string(instruction.keyword));
  if (instruction.json) out += " json";
  if (instruction.legacy_key_value) out += " legacy";
  out += "\n";
  for (const auto& flag : instruction.flags) {
    out += indent + "  flag " + place(flag.range) + " " + flag.name +
           (flag.has_value ? "=" + in_quotes(flag.value) : "") + "\n";
  }
  for (const auto& word : instruction.words)
    out += indent + "  " + place(word.range) + " " + in_quotes(word.text) + "\n";
  for (const auto& heredoc : instruction.heredocs) {
    out += indent + "  heredoc " + place(heredoc.range) + " " + heredoc.name;
    if (heredoc.expansion == HeredocExpansion::literal) out += " literal";
    if (heredoc.tabs == HeredocTabs::strip) out += " strip";
    out += " " + in_quotes(heredoc.content) + "\n";
  }
  for (const auto& nested : instruction.nested) dump(nested, indent + "  ", out);
}

}  // namespace

std::string dump(const Dockerfile& dockerfile) {
  std::string out;
  for (const auto& directive : dockerfile.directives)
    out += "directive " + directive.name + "=" + directive.value + "\n";
  for (const auto& note : dockerfile.notes) out += "note " + place(note.range) + " empty continuation\n";
  for (const auto& instruction : dockerfile.instructions) dump(instruction, "", out);
  return out;
}

}  // namespace consort::build
