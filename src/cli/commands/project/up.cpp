#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "base/letters.hpp"
#include "base/narrow.hpp"
#include "base/os/processes/service_manager.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/project/job_program.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/relay/key_menu.hpp"
#include "cli/render/diagnostic.hpp"
#include "cli/render/log_printer.hpp"
#include "cli/render/table.hpp"
#include "cli/render/timing_bars.hpp"
#include "cli/seal.hpp"
#include "engine/reach.hpp"
#include "project/plan/graph.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

Result<> check_up(const ParsedFlags& flags) {
  const bool aborts = flags.on("abort-on-container-exit") || flags.on("abort-on-container-failure");
  if ((flags.on("detach") || flags.on("wait")) && (aborts || flags.has("exit-code-from") || flags.has("attach") ||
                                                   flags.on("attach-dependencies") || flags.on("watch")))
    return fail(Code::invalid, flags.on("wait") && !flags.on("detach")
                                   ? "--wait cannot be combined with --abort-on-container-exit, --abort-on-container-"
                                     "failure, --exit-code-from, --attach, --attach-dependencies or --watch"
                                   : "--detach cannot be combined with --abort-on-container-exit, --abort-on-"
                                     "container-failure, --attach, --attach-dependencies or --watch");
  if (flags.has("attach") && flags.on("attach-dependencies"))
    return fail(Code::invalid, "cannot combine --attach and --attach-dependencies");
  if (flags.on("timings") && !flags.on("detach") && !flags.on("wait"))
    return fail(Code::invalid, "--timings needs --detach or --wait");
  if (flags.on("abort-on-container-failure") && flags.on("abort-on-container-exit"))
    return fail(Code::invalid, "--abort-on-container-failure cannot be combined with --abort-on-container-exit");
  return {};
}

// The named services, or all; services that opt out are not shown.
Result<std::set<std::string>> attached_services(const Invocation& invocation, const compose::Project& project) {
  const ParsedFlags& flags = invocation.flags;
  std::set<std::string> result;
  for (const auto& [name, service] : project.services) result.insert(name);
  std::vector<std::string> wanted = flags.list("attach");
  const std::vector<std::string> unwanted = flags.list("no-attach");
  for (const std::vector<std::string>* names : {&std::as_const(wanted), &unwanted})
    for (const std::string& name : *names)
      if (!project.services.contains(name)) return fail(Code::not_found, "no such service: " + name);
  if (wanted.empty() && !flags.on("attach-dependencies")) wanted = invocation.arguments;
  if (!wanted.empty()) result = {wanted.begin(), wanted.end()};
  if (flags.list("attach").empty())
    std::erase_if(result, [&](const std::string& name) {
      const auto found = project.services.find(name);
      return found != project.services.end() && found->second.attach == false;
    });
  for (const std::string& name : unwanted) result.erase(name);
  return result;
}

// Shown on a terminal, unless the user disables it.
bool wants_menu(const Invocation& invocation) {
  if (!can_show_keys(invocation.terminal)) return false;
  if (invocation.flags.has("menu")) return invocation.flags.on("menu");
  return !std::getenv("COMPOSE_MENU") || environment_says("COMPOSE_MENU");
}

// A command that may build later must prepare for that at its start.
bool may_rebuild(const compose::Project& project) {
  return std::ranges::any_of(project.services, [](const auto& each) {
    return each.second.develop &&
           std::ranges::any_of(each.second.develop->watch,
                               [](const compose::WatchTrigger& rule) { return rule.action == "rebuild"; });
  });
}

// All output goes through these, so that the menu can be erased first.
struct Writers {
  std::optional<KeyMenu> menu;
  void write(const std::function<void()>& how) { menu ? menu->around(how) : how(); }
};

project::ReactOptions react_options(const Invocation& invocation, Writers& writers, LogPrinter& printer) {
  project::ReactOptions react;
  if (invocation.flags.on("quiet-build")) react.detail.build = project::Detail::quiet;
  react.say = [&printer](const std::string& line) { printer.watch_line(line); };
  react.warn = [&](const std::string& message) { writers.write([&] { print_warning(invocation.terminal, message); }); };
  react.out = [&writers](std::string_view text) { writers.write([&] { draw_out(text); }); };
  react.err = [&writers](std::string_view text) { writers.write([&] { draw_err(text); }); };
  react.busy = [&writers](project::ReactOptions::Busy busy) {
    if (!writers.menu) return;
    busy == project::ReactOptions::Busy::yes ? writers.menu->hide() : writers.menu->reveal();
  };
  return react;
}

Result<int> attached(const Invocation& invocation, Workspace& workspace, const project::UpOptions& options) {
  const ParsedFlags& flags = invocation.flags;
  const Terminal& terminal = invocation.terminal;
  Writers writers;
  // On a terminal, output goes through the progress display, which would erase lines printed past it.
  const auto through_progress = [&](std::string_view text) {
    writers.write([&] { workspace.session().progress.log(text); });
  };
  LogStyle style{.prefix = !flags.on("no-log-prefix"),
                 .colour = !flags.on("no-color") && terminal.colour_out(),
                 .timestamps = flags.on("timestamps"),
                 .streams = Streams::separate};
  if (terminal.out_is_terminal) style.out = through_progress;
  if (terminal.out_is_terminal && terminal.err_is_terminal) style.err = through_progress;
  LogPrinter printer(std::move(style));
  const project::ReactOptions react = react_options(invocation, writers, printer);
  project::AttachOptions attach;
  attach.react = &react;
  attach.rebuilds = flags.on("no-build") ? project::Rebuilds::refused : project::Rebuilds::allowed;
  attach.watch = flags.on("watch");
  attach.services = TRY(attached_services(invocation, *workspace.project()));
  attach.named = {invocation.arguments.begin(), invocation.arguments.end()};
  attach.stopped = attach.named;
  if (!attach.named.empty() && flags.on("attach-dependencies"))
    attach.stopped.insert(attach.services.begin(), attach.services.end());
  attach.exit_code_from = flags.text("exit-code-from");
  if (!attach.exit_code_from.empty() && !workspace.project()->services.contains(attach.exit_code_from))
    return fail(Code::not_found, "no such service: " + attach.exit_code_from);
  if (flags.on("abort-on-container-failure")) attach.abort = project::AbortOn::failure;
  if (flags.on("abort-on-container-exit") || !attach.exit_code_from.empty()) attach.abort = project::AbortOn::exit;
  attach.sink = &printer;
  attach.say = [&](const std::string& line) { writers.write([&] { print_out(line + "\n"); }); };
  attach.settled = [&workspace] {
    workspace.unlock();
    tell_service_manager("READY=1");
  };
  attach.say_aborting = [&](const std::string& line) {
    writers.write([&] {
      draw_err(terminal.colour_err() ? "\033[31;1m" + sanitized(line) + "\033[0m\n" : sanitized(line) + "\n");
    });
  };
  if (wants_menu(invocation)) attach.keys = &writers.menu.emplace(terminal);
  return project::up_attached(workspace.session(), options, attach);
}

// Warns before anything is started: the consequences of these mistakes (a port that is in use, a directory mounted
// where a program expects a file) appear late and do not name their cause.
void warn_of_traps(const Invocation& invocation, const Workspace& workspace, const project::UpOptions& options) {
  if (invocation.has_warned) return;
  compose::Project project = *workspace.project();
  for (const auto& [name, number] : options.converge.scale) project.services.at(name).scale = static_cast<int>(number);
  WarningPrinter warnings(invocation.terminal);
  for (const compose::Diagnostic& each : compose::advise(project, compose::Advice::traps)) warnings.print(each);
}

// Reports from where published ports can be reached; only for people, not for programs.
void tell_reach(const Invocation& invocation, Workspace& workspace) {
  const bool by_eye = invocation.progress == ProgressMode::automatic || invocation.progress == ProgressMode::tty;
  if (!invocation.terminal.err_is_terminal || !by_eye) return;
  const auto containers = workspace.engine().list({.project = workspace.project_name()});
  if (!containers) return;  // the next command that needs them reports the error
  std::vector<std::vector<std::string>> rows{{"SERVICE", "PORT", "OPEN TO"}};
  for (const engine::ReachedPort& port : engine::reached_ports(*containers))
    rows.push_back({port.service, port.port, port.reach});
  if (rows.size() > 1) print_err(format_table(std::move(rows), object_table));
}

// Only for the whole project: a command that names services affects only those.
Result<> register_all_jobs(const Invocation& invocation, Workspace& workspace, const project::UpOptions& options) {
  if (!invocation.arguments.empty()) return {};
  return project::register_jobs(workspace.session(), options, job_program());
}

// A failure is reported with the timings too, because they show what was slow.
Result<> bring_up_told(const Invocation& invocation, Workspace& workspace, const project::UpOptions& options) {
  if (!invocation.flags.on("timings") || invocation.dry_run) return project::bring_up(workspace.session(), options);
  project::Timings timings;
  Result<> outcome = project::bring_up_timed(workspace.session(), options, timings);
  const std::string bars = timing_bars(timings, std::chrono::steady_clock::now(), terminal_columns(STDOUT_FILENO));
  print_out(bars.empty() ? "There was nothing to do or wait for\n" : bars);
  return outcome;
}

}  // namespace

Result<int> run_up(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  TRY(check_up(flags));
  if (flags.on("watch")) seal_program(invocation);
  const auto workspace = TRY(Workspace::open(invocation, Need::file, invocation.arguments));
  TRY(select_services(*workspace, invocation.arguments,
                      flags.on("no-deps") ? compose::Dependencies::ignore : compose::Dependencies::include));
  // With --all-resources, there may still be networks and volumes to create.
  if (workspace->project()->services.empty() && workspace->project()->jobs.empty() &&
      !invocation.globals.on("all-resources"))
    return fail(Code::invalid, "no service selected");
  TRY(project::check_schedules(workspace->session()));
  project::UpOptions options = TRY(up_options(invocation, *workspace, invocation.arguments));
  if (flags.on("no-start")) options.converge.after = project::AfterCreate::nothing;
  if (flags.on("wait") && !flags.on("no-start")) options.converge.after = project::AfterCreate::start_and_wait;
  options.detail.limit_seconds = TRY(wait_limit(flags));
  if (!flags.on("no-start")) warn_of_traps(invocation, *workspace, options);
  const bool attach = !flags.on("detach") && !flags.on("wait") && !flags.on("no-start") && !invocation.dry_run;
  if (attach && wants_menu(invocation) && may_rebuild(*workspace->project())) seal_program(invocation);
  TRY(workspace->lock());
  TRY(project::warn_of_namesake(workspace->session()));
  if (!attach) {
    TRY(bring_up_told(invocation, *workspace, options));
    TRY(register_all_jobs(invocation, *workspace, options));
    if (!invocation.dry_run && !flags.on("no-start")) tell_reach(invocation, *workspace);
    return 0;
  }
  TRY(register_all_jobs(invocation, *workspace, options));
  return attached(invocation, *workspace, options);
}

Result<int> run_create(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::file, invocation.arguments));
  TRY(select_services(*workspace, invocation.arguments, compose::Dependencies::include));
  project::UpOptions options = TRY(up_options(invocation, *workspace, invocation.arguments));
  options.converge.after = project::AfterCreate::nothing;
  TRY(project::check_schedules(workspace->session()));
  TRY(workspace->lock());
  TRY(project::bring_up(workspace->session(), options));
  TRY(register_all_jobs(invocation, *workspace, options));
  return 0;
}

Result<int> run_scale(Invocation& invocation) {
  std::vector<std::string> services;
  for (const std::string& entry : invocation.arguments) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) return fail(Code::invalid, "invalid scale specifier: " + entry);
    if (!parse_scale({entry}))
      return fail(Code::invalid, "invalid scale specifier: can't parse replica value as int: " + entry);
    services.push_back(entry.substr(0, equals));
    invocation.flags["scale"].push_back(entry);
  }
  const auto workspace = TRY(Workspace::open(invocation, Need::file, services));
  TRY(select_services(*workspace, services,
                      invocation.flags.on("no-deps") ? compose::Dependencies::ignore : compose::Dependencies::include));
  const project::UpOptions options = TRY(up_options(invocation, *workspace, services));
  TRY(workspace->lock());
  TRY(project::bring_up(workspace->session(), options));
  return 0;
}

}  // namespace consort::cli
