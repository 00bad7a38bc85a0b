#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/project/run_options.hpp"
#include "cli/commands/project/run_values.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/commands/project/shell_words.hpp"
#include "cli/relay/relay.hpp"
#include "cli/signals.hpp"
#include "project/exec/listening.hpp"
#include "project/verbs/oneoff.hpp"

namespace consort::cli {

namespace {

Result<> add_labels(const ParsedFlags& flags, project::OneoffOptions& options) {
  for (const std::string& entry : flags.list("label")) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) return fail(Code::invalid, "label must be set as KEY=VALUE");
    options.labels[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return {};
}

// If a terminal was requested, it must exist; otherwise one is used if it exists.
Result<bool> wants_terminal(const Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const bool speaks_against = flags.has("no-TTY") || flags.has("no-tty");
  if (flags.has("tty") && speaks_against) return fail(Code::invalid, "--tty and --no-TTY can't be used together");
  if (flags.on("no-TTY") || flags.on("no-tty") || flags.on("detach")) return false;
  if (flags.has("tty") ? flags.on("tty") : speaks_against) {
    if (invocation.terminal.in_is_terminal) return true;
    return fail(Error(Code::invalid, "the input device is not a TTY")
                    .hint("leave out -t: a TTY is allocated if there is a terminal"));
  }
  return invocation.terminal.in_is_terminal && invocation.terminal.out_is_terminal && !flags.has("tty");
}

}  // namespace

Result<project::OneoffOptions> oneoff_options(const Invocation& invocation, Workspace& workspace) {
  const ParsedFlags& flags = invocation.flags;
  if (flags.on("service-ports") && !flags.list("publish").empty())
    return fail(Code::invalid, "--service-ports and --publish are incompatible");
  project::OneoffOptions options;
  if (invocation.arguments.size() > 1)
    options.command = compose::Strings(invocation.arguments.begin() + 1, invocation.arguments.end());
  if (flags.has("entrypoint")) options.entrypoint = shell_words(flags.text("entrypoint"));
  options.environment =
      TRY(with_env_files(workspace, invocation.terminal, flags.list("env-from-file"), flags.list("env")));
  TRY(add_labels(flags, options));
  const std::string directory = TRY(current_directory());
  for (const std::string& text : flags.list("volume"))
    options.mounts.push_back(TRY(parse_mount(text, directory, *workspace.project())));
  for (const std::string& text : flags.list("publish"))
    for (engine::PortBinding& binding : TRY(parse_publish(text))) options.ports.push_back(std::move(binding));
  options.service_ports = flags.on("service-ports");
  options.use_aliases = flags.on("use-aliases");
  options.tty = TRY(wants_terminal(invocation));
  options.open_stdin = flags.on("interactive");
  options.auto_remove = flags.on("rm");
  options.name = flags.text("name");
  options.user = flags.text("user");
  options.working_dir = flags.text("workdir");
  options.cap_add = flags.list("cap-add");
  options.cap_drop = flags.list("cap-drop");
  options.with_dependencies = !flags.on("no-deps");
  if (!environment_says("COMPOSE_IGNORE_ORPHANS")) options.orphans = project::Orphans::warn;
  if (flags.on("remove-orphans")) options.orphans = project::Orphans::remove;
  const project::UpOptions up = TRY(up_options(invocation, workspace, {invocation.arguments[0]}));
  options.images = up.images;
  options.detail = up.detail;
  if (flags.on("quiet")) options.detail.pull = options.detail.build = project::Detail::quiet;
  return options;
}

namespace {

Result<int> run_attached(Workspace& workspace, const std::string& service, const std::string& id,
                         const project::OneoffOptions& options) {
  project::Session& session = workspace.session();
  const project::Listening listening;  // the container gets the signals
  const auto remove = [&]() -> Result<> {
    if (!options.auto_remove) return {};
    return session.engine.remove_container(id, {engine::Force::yes, engine::AnonymousVolumes::remove});
  };
  AttachRelay relay{.id = id, .project = session.project_name};
  relay.tty = options.tty;
  relay.with_input = options.open_stdin;
  relay.output = TRY(session.engine.hold_output(id));
  if (options.auto_remove) relay.life = AttachRelay::Life::of_command;
  Result<> started = session.engine.start_container(id);
  if (started) started = project::run_post_start(session, service, id);
  workspace.unlock();
  if (!started) {
    (void)remove();
    return fail(std::move(started).error());
  }
  Result<RelayEnd> end = relay_container(session.engine, std::move(relay), session.interrupt_fd);
  if (!end) {
    (void)remove();
    return fail(std::move(end.error()));
  }
  if (end->how == RelayEnd::How::container_ended) TRY(remove());
  return end->exit_code;
}

}  // namespace

Result<int> run_run(Invocation& invocation) {
  const std::string service = invocation.arguments[0];
  if (invocation.flags.on("quiet")) invocation.progress = ProgressMode::quiet;
  const auto workspace = TRY(Workspace::open(invocation, Need::file, {service}));
  if (names_job(*workspace, service)) return run_job_by_hand(invocation, *workspace);
  TRY(select_services(*workspace, {service}, compose::Dependencies::include));
  const project::OneoffOptions options = TRY(oneoff_options(invocation, *workspace));
  TRY(workspace->lock());
  const bool attached = !invocation.flags.on("detach");
  if (attached && options.auto_remove) TRY(catch_hangup());
  const engine::CreatedContainer created = TRY(project::create_oneoff(workspace->session(), service, options));
  if (invocation.dry_run) return 0;
  if (attached) return run_attached(*workspace, service, created.id, options);
  TRY(workspace->engine().start_container(created.id));
  TRY(project::run_post_start(workspace->session(), service, created.id));
  print_out(created.id + "\n");
  return 0;
}

}  // namespace consort::cli
