// exec and attach: interact with running containers.
#include "cli/commands/handlers.hpp"
#include "cli/commands/project/run_values.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/relay/relay.hpp"
#include "project/exec/listening.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

Result<int> run_exec(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const auto workspace = TRY(Workspace::open(invocation, Need::name));
  project::Session& session = workspace->session();
  const engine::Container container =
      TRY(project::one_container(session, invocation.arguments[0], index_of(invocation), project::Running::required));
  const std::vector<std::string> variables = TRY(with_lines_of(flags.list("env-file"), flags.list("env")));
  for (const std::string& entry : variables)
    if (entry.starts_with('=')) return fail(Code::invalid, "invalid environment variable: " + entry);
  const bool detach = flags.on("detach");
  engine::ExecSpec spec;
  spec.argv.assign(invocation.arguments.begin() + 1, invocation.arguments.end());
  spec.environment = with_values(*workspace, variables);
  spec.user = flags.text("user");
  spec.working_dir = flags.text("workdir");
  spec.privileged = flags.on("privileged");
  const bool unwanted = flags.on("no-tty") || flags.on("no-TTY");
  const bool wanted = flags.has("no-tty") || flags.has("no-TTY") ? !unwanted : invocation.terminal.out_is_terminal;
  spec.tty = wanted && !detach && invocation.terminal.in_is_terminal;
  spec.streams = !detach && !spec.tty;
  if (invocation.dry_run) return 0;
  int code = 0;
  auto process = session.engine.exec(container.id, spec, &code);
  if (!process) {
    if (code != 126 && code != 127)  // not the program's fault: nothing of it ran
      return fail(std::move(process).error());
    print_err("OCI runtime exec failed: exec failed: unable to start container process: " + process.error().message() +
              "\n");
    return code;
  }
  if (detach) return 0;
  const project::Listening listening;
  return relay_exec(*process, session.interrupt_fd);
}

Result<int> run_attach(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::name));
  project::Session& session = workspace->session();
  const engine::Container container =
      TRY(project::one_container(session, invocation.arguments[0], index_of(invocation), project::Running::required));
  if (container.state.status == engine::Status::paused)
    return fail(Code::conflict, "You cannot attach to a paused container, unpause it first");
  if (container.state.status == engine::Status::restarting)
    return fail(Code::conflict, "You cannot attach to a restarting container, wait until it is running");
  AttachRelay relay{.id = container.id, .project = session.project_name};
  relay.tty = container.tty;
  relay.with_input = container.open_stdin && !invocation.flags.on("no-stdin");
  relay.signals = invocation.flags.on("sig-proxy");
  relay.detach_keys = invocation.flags.text("detach-keys", relay.detach_keys);
  session.engine.note_event(container, "attach");
  const project::Listening listening;
  const RelayEnd end = TRY(relay_container(session.engine, std::move(relay), session.interrupt_fd));
  return end.exit_code;
}

}  // namespace consort::cli
