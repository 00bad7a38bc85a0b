// Commands for installation and maintenance: manual pages, completion scripts and the sweep.
#include <unistd.h>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/workspace.hpp"

namespace consort::cli {

namespace {

// Writes consort.1, consort-up.1, consort-image-load.1, ... into a directory, as the installation wants them.
Result<int> write_man_pages(const std::string& directory) {
  TRY(write_file_atomic(directory + "/consort.1", man_page(nullptr)));
  for (const Command& command : commands()) {
    if (command.shown == Shown::hidden) continue;
    const std::string name = replace_all(std::string(command.name), " ", "-");
    TRY(write_file_atomic(directory + "/consort-" + name + ".1", man_page(&command)));
  }
  return 0;
}

}  // namespace

Result<int> run_internal_man(Invocation& invocation) {
  if (invocation.arguments.size() == 1 && invocation.arguments[0].starts_with('/'))
    return write_man_pages(invocation.arguments[0]);
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
                    .hint("use bash, zsh or fish"));
  print_out(script);
  return 0;
}

// For users other than root. The namespaces have been entered already.
Result<int> run_internal_enter(Invocation& invocation) {
  std::vector<char*> argv;
  for (std::string& word : invocation.arguments) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  return fail_errno("execute", invocation.arguments[0]);
}

Result<int> run_internal_reference(Invocation&) {
  print_out(reference());
  return 0;
}

// Called by a supervisor for --rm containers whose client has not lived to remove them.
Result<int> run_internal_remove_ended(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  (void)TRY(workspace->engine().remove_left_behind(invocation.arguments[0]));
  return 0;
}

Result<int> run_internal_sweep(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  TRY(workspace->engine().sweep());
  return 0;
}

}  // namespace consort::cli
