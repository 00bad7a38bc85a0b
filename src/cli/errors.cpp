#include "base/json.hpp"
#include "base/letters.hpp"
#include "base/os/files/file.hpp"
#include "base/os/files/reserve.hpp"
#include "base/roots.hpp"
#include "base/strings.hpp"
#include "cli/invocation.hpp"
#include "cli/render/diagnostic.hpp"
#include "compose/diagnostic.hpp"

namespace consort::cli {

namespace {

std::string line_of(const Mark& mark) {
  const auto text = read_file(mark.file, 4 << 20);
  if (!text || mark.line == 0) return {};
  const std::vector<std::string> lines = split(*text, '\n');
  return mark.line <= lines.size() ? lines[mark.line - 1] : std::string();
}

// A hint on what to try. A full disk can occur anywhere, and its hint is the same everywhere.
std::string hint_of(const Error& error) {
  if (std::string hint = error.hint_text(); !hint.empty()) return hint;
  const auto roots = Roots::from_environment();
  return roots ? advice_on_full_disk(error, roots->data) : std::string();
}

}  // namespace

void print_error(const Invocation& invocation, const Error& error) {
  const bool said = error.message().empty();  // the file's diagnostics have been printed already
  if (said) return;
  if (invocation.progress == ProgressMode::json) {
    return draw_err(sanitized_json(dump_json(Json{{"error", true}, {"message", error.message()}})) + "\n");
  }
  const Mark* mark = error.mark();
  if (mark && mark->line != 0) {
    compose::Diagnostic diagnostic;
    diagnostic.message = error.message();
    diagnostic.mark = *mark;
    diagnostic.line_text = line_of(*mark);
    diagnostic.help = hint_of(error);
    return print_diagnostics(invocation.terminal, {diagnostic});
  }
  std::string text = error.message() + "\n";
  if (const std::string hint = hint_of(error); !hint.empty()) text += hint + "\n";
  if (invocation.globals.on("debug")) {
    const std::source_location& raised = error.data().raised;
    text += "raised at " + std::string(raised.file_name()) + ":" + std::to_string(raised.line()) + "\n";
  }
  print_err(text);
}

}  // namespace consort::cli
