// What installation and maintenance call: manual pages, completion scripts, the sweep.
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/workspace.hpp"

namespace consort::cli {

Result<int> run_internal_man(Invocation& invocation) {
  const Command* command = nullptr;
  if (!invocation.arguments.empty()) {
    command = find_command(join(invocation.arguments, " "));
    if (!command) return fail(Code::not_found, "no such command: " + join(invocation.arguments, " "));
  }
  print_out(man_page(command));
  return 0;
}

Result<int> run_internal_completion(Invocation& invocation) {
  const std::string script = completion(invocation.arguments[0]);
  if (script.empty())
    return fail(Error(Code::invalid, "no completion for shell \"" + invocation.arguments[0] + "\"")
                    .hint("known are bash, zsh and fish"));
  print_out(script);
  return 0;
}

Result<int> run_internal_sweep(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  TRY(workspace->engine().sweep());
  return 0;
}

}  // namespace consort::cli
