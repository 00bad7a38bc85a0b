#include "project/watch/reactor.hpp"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "compose/compose.hpp"
#include "engine/files.hpp"
#include "project/exec/loaded_project.hpp"
#include "project/exec/silent_progress.hpp"
#include "project/plan/converge.hpp"
#include "project/plan/graph.hpp"
#include "project/plan/images.hpp"
#include "project/plan/lifecycle.hpp"
#include "project/watch/handler.hpp"

namespace consort::project {

namespace {

Session with_progress(const Session& session, Progress& progress, compose::Project project) {
  return Session{.engine = session.engine,
                 .progress = progress,
                 .project_name = session.project_name,
                 .project = std::move(project),
                 .dry_run = session.dry_run,
                 .parallel = session.parallel,
                 .interrupt_fd = session.interrupt_fd,
                 .separator = session.separator,
                 .env_files = session.env_files};
}

// These services, and all services that depend on them, directly or indirectly.
std::set<std::string> with_dependents(const compose::Project& project, const std::set<std::string>& services) {
  const ServiceGraph graph = ServiceGraph::of(project);
  std::set<std::string> found;
  std::vector<std::string> todo(services.begin(), services.end());
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    if (!found.insert(name).second) continue;
    for (const std::string& dependent : graph.dependents(name)) todo.push_back(dependent);
  }
  return found;
}

// A rule's files, grouped by their source.
engine::Mirror mirror_of(const WatchRule& rule) {
  const auto status = stat_path(rule.path);
  const bool single = status ? !S_ISDIR(status->st_mode) : rule.is_file;
  return {.root = single ? dir_name(rule.path) : rule.path, .target = rule.target, .files = {}};
}

engine::Mirror::File file_of(const WatchRule& rule, const engine::Mirror& mirror, const std::string& path) {
  if (path == rule.path) return {mirror.root == rule.path ? "." : base_name(path), ""};
  const std::string inside = path.substr(rule.path == "/" ? 1 : rule.path.size() + 1);
  return {inside, inside};
}

}  // namespace

std::string listed_services(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "\"" : " \"") + name + "\"";
  return "[" + text + "]";
}

std::vector<SyncedPath> files_of_rule(const WatchRule& rule) {
  std::vector<SyncedPath> paths;
  std::vector<std::string> todo{rule.path};
  while (!todo.empty()) {
    const std::string path = std::move(todo.back());
    todo.pop_back();
    const auto status = lstat_path(path);
    if (!status) continue;
    if (!S_ISDIR(status->st_mode)) {
      if (rule.concerns(path)) paths.push_back({&rule, path});
      continue;
    }
    const auto names = list_directory(path);
    if (!names) continue;
    for (const std::string& name : *names)
      if (const std::string below = join_path(path, name); !rule.skips(below)) todo.push_back(below);
  }
  return paths;
}

std::vector<engine::Mirror> mirrors_of(const std::vector<SyncedPath>& paths) {
  std::map<const WatchRule*, engine::Mirror> mirrors;
  for (const SyncedPath& synced : paths) {
    const auto found = mirrors.find(synced.rule);
    engine::Mirror& mirror =
        found == mirrors.end() ? mirrors.emplace(synced.rule, mirror_of(*synced.rule)).first->second : found->second;
    mirror.files.push_back(file_of(*synced.rule, mirror, synced.path));
  }
  std::vector<engine::Mirror> all;
  for (auto& [rule, mirror] : mirrors) all.push_back(std::move(mirror));
  return all;
}

Result<std::vector<engine::Container>> Reactor::containers_of(const std::string& service) {
  auto containers = TRY(session_.engine.list({.project = session_.project_name, .service = service}));
  std::erase_if(containers, [](const engine::Container& each) { return each.oneoff; });
  return containers;
}

Result<engine::ProjectLock> Reactor::lock_project() {
  engine::LockOptions options;
  options.on_wait = options_.warn;
  return session_.engine.lock_project(session_.project_name, options);
}

Result<> Reactor::run(const Reaction& reaction) {
  if (!reaction.rebuild.empty()) TRY(rebuild(reaction.rebuild));
  for (const auto& [service, paths] : reaction.sync) {
    options_.say("Syncing service \"" + service + "\" after " + std::to_string(paths.size()) +
                 " changes were detected");
    TRY(sync(service, paths));
  }
  if (!reaction.restart.empty()) TRY(restart(reaction.restart));
  for (const WatchRule* rule : reaction.exec) TRY(exec(*rule));
  return {};
}

Result<> Reactor::sync(const std::string& service, const std::vector<SyncedPath>& paths) {
  if (session_.dry_run == DryRun::yes) return {};
  std::vector<std::string> ids;
  for (const engine::Container& container : TRY(containers_of(service))) ids.push_back(container.id);
  if (ids.empty()) return {};
  for (const engine::Mirror& mirror : mirrors_of(paths)) (void)TRY(session_.engine.files().mirror(mirror, ids));
  return {};
}

Result<> Reactor::sync_initially(const std::set<std::string>& services) {
  for (const WatchRule& rule : rules_.rules) {
    if (!rule.initial_sync || !rule.copies() || !services.contains(rule.service)) continue;
    const std::vector<SyncedPath> paths = files_of_rule(rule);
    if (!paths.empty()) TRY(sync(rule.service, paths));
  }
  return {};
}

Result<> Reactor::restart(const std::set<std::string>& services) {
  const engine::ProjectLock lock = TRY(lock_project());
  SilentProgress quiet(session_.progress);
  Session silent = with_progress(session_, quiet, loaded_project(session_));
  const Observed observed = TRY(observe(silent, Look::containers));
  Containers containers;
  for (const engine::Container& each : observed.containers)
    if (!each.oneoff) containers.push_back(each);
  StopPlanOptions stop;
  for (const auto& [name, service] : loaded_project(session_).services)
    if (!service.pre_stop.empty()) stop.pre_stop[name] = service.pre_stop;
  TRY(execute(silent,
              plan_restart(containers, ServiceGraph::of(loaded_project(session_)), services, Dependents::include, stop),
              "Restarting"));
  options_.say("service(s) " + listed_services(services) + " restarted");
  return {};
}

Result<> Reactor::rebuild(const std::set<std::string>& services) {
  options_.say("Rebuilding service(s) " + listed_services(services) + " after changes were detected...");
  const engine::ProjectLock lock = TRY(lock_project());
  Plan plan;
  std::set<std::string> before;
  for (const std::string& name : services) {
    const compose::Service& service = loaded_project(session_).services.at(name);
    const std::string image = image_name(loaded_project(session_), service);
    if (const auto found = TRY(find_image(session_, image, service.platform))) before.insert(found->id);
    plan.add(build_operation(service, image, "its files have changed"));
  }
  if (Result<> built = execute(session_, plan, "Building", options_.detail); !built) {
    if (built.error().code() != Code::interrupted) options_.say("Build failed. Error: " + built.error().message());
    return built;
  }
  options_.say("service(s) " + listed_services(services) + " successfully built");
  if (Result<> made = recreate(services); !made) {
    if (made.error().code() != Code::interrupted)
      options_.say("Failed to recreate services after update. Error: " + made.error().message());
    return made;
  }
  if (options_.superseded == Superseded::remove) TRY(remove_superseded(before));
  return sync_initially(services);
}

// Recreates these services in any case. Their dependents are started if they have stopped, and recreated if they share
// a namespace with one of these.
Result<> Reactor::recreate(const std::set<std::string>& services) {
  const std::set<std::string> concerned = with_dependents(loaded_project(session_), services);
  SilentProgress quiet(session_.progress);
  Session silent =
      with_progress(session_, quiet,
                    TRY(compose::project_with_services(loaded_project(session_),
                                                       std::vector<std::string>(concerned.begin(), concerned.end()),
                                                       compose::Dependencies::ignore)));
  ConvergeOptions converge;
  converge.named = services;
  converge.recreate = Recreate::always;
  converge.orphans = Orphans::ignore;
  converge.separator = session_.separator;
  converge.env_files = session_.env_files;
  const Observed observed = TRY(observe(silent, Look::everything));
  return execute(silent, TRY(plan_converge(loaded_project(silent), observed, converge)), "Running", options_.detail);
}

// Removes only images that have lost their last name through this. An image that is still used elsewhere stays.
Result<> Reactor::remove_superseded(const std::set<std::string>& images) {
  if (session_.dry_run == DryRun::yes) return {};
  for (const std::string& id : images) {
    const auto image = TRY(session_.engine.images().look_up(id));
    if (image && image->names.empty()) (void)session_.engine.images().remove(id);
  }
  return {};
}

Result<> Reactor::exec(const WatchRule& rule) {
  if (session_.dry_run == DryRun::yes) return {};
  engine::ExecSpec spec;
  spec.argv = rule.exec.command.value_or(compose::Strings{});
  spec.user = rule.exec.user;
  spec.working_dir = rule.exec.working_dir;
  spec.privileged = rule.exec.privileged;
  spec.streams = true;
  for (const auto& [key, value] : rule.exec.environment) spec.environment.push_back(value ? key + "=" + *value : key);
  for (const engine::Container& container : TRY(containers_of(rule.service))) {
    if (!container.state.running()) continue;
    auto process = TRY(session_.engine.exec(container.id, spec));
    engine::ExecStreams streams = process.take_streams();
    streams.in.reset();
    std::array<char, 16384> buffer;
    const auto pass_on = [&](Fd& from, const std::function<void(std::string_view)>& to) {
      const auto count = read_some(from.get(), std::as_writable_bytes(std::span(buffer)));
      if (count && *count > 0) return to(std::string_view(buffer.data(), *count));
      from.reset();
    };
    bool ended = false;
    // A child that is left running may hold the pipes open forever; it is enough that the process itself has ended.
    while (!ended) {
      std::array<pollfd, 4> fds{pollfd{streams.out.get(), POLLIN, 0}, pollfd{streams.err.get(), POLLIN, 0},
                                pollfd{process.fd(), POLLIN, 0}, pollfd{session_.interrupt_fd, POLLIN, 0}};
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("poll");
      if (fds[3].revents) {
        (void)process.kill(SIGKILL);
        return fail(Code::interrupted, "interrupted");
      }
      if (fds[0].revents) pass_on(streams.out, options_.out);
      if (fds[1].revents) pass_on(streams.err, options_.err);
      ended = fds[2].revents && !fds[0].revents && !fds[1].revents;
    }
    const int code = TRY(process.wait());
    if (code != 0) options_.say("exec in " + container.name + " exited with status " + std::to_string(code));
  }
  return {};
}

}  // namespace consort::project
