// consort boot: a systemd unit that restarts at boot what was running, and stops it in order at shutdown.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <semaphore>
#include <system_error>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/roots.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/workspace.hpp"
#include "engine/boot.hpp"
#include "project/plan/lifecycle.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

constexpr const char* unit_name = "consort-boot.service";
constexpr const char* packaged_program = "/usr/bin/consort";
constexpr const char* packaged_directory = "/lib/systemd/system";

std::string environment(const char* name) {
  const char* value = ::getenv(name);
  return value ? value : "";
}

struct Unit {
  std::string directory;  // of systemd's units
  std::string target;     // that wants it
  std::string path() const { return directory + "/" + unit_name; }
  std::string link() const { return directory + "/" + target + ".wants/" + unit_name; }
};

Unit unit_of_caller() {
  if (::geteuid() == 0) return {"/etc/systemd/system", "multi-user.target"};
  std::string config = environment("XDG_CONFIG_HOME");
  if (config.empty()) config = environment("HOME") + "/.config";
  return {config + "/systemd/user", "default.target"};
}

// Quotes a value for a unit file: systemd treats "%" as the start of a specifier, and gives "\" and quotes a meaning
// too.
std::string quoted(const std::string& text) {
  return "\"" + replace_all(replace_all(replace_all(text, "\\", "\\\\"), "\"", "\\\""), "%", "%%") + "\"";
}

Result<std::string> own_program() {
  std::array<char, 4096> self{};
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
  if (length <= 0) return fail_errno("find this program");
  return std::string(self.data(), static_cast<std::size_t>(length));
}

Result<std::string> unit_text() {
  const std::string program = TRY(own_program());
  const Roots roots = TRY(Roots::from_environment());
  std::string text = "[Unit]\nDescription=Containers that Consort runs\n";
  text += "Documentation=man:consort-boot(1)\n";
  if (::geteuid() == 0) text += "After=local-fs.target remote-fs.target network.target nss-lookup.target\n";
  text += "RequiresMountsFor=" + quoted(roots.data) + "\n";
  text += "\n[Service]\nType=oneshot\nRemainAfterExit=yes\nTimeoutStartSec=infinity\nTimeoutStopSec=infinity\n";
  // Does not kill keepers and supervisors that have no scope of their own, such as those of a user without systemd's
  // bus.
  text += "KillMode=process\n";
  for (const char* name : {"CONSORT_DATA_ROOT", "CONSORT_RUN_ROOT"})
    if (const std::string value = environment(name); !value.empty())
      text += "Environment=" + quoted(std::string(name) + "=" + value) + "\n";
  text += "ExecStart=" + quoted(program) + " internal boot\n";
  text += "ExecStop=" + quoted(program) + " internal shutdown\n";
  text += "\n[Install]\nWantedBy=" + unit_of_caller().target + "\n";
  return text;
}

bool has_systemd() {
  return path_exists("/run/systemd/system");
}

// Tells systemd about the change, if it is running. If it does not answer, it reads the files at the next boot.
void tell_systemd() {
  if (!has_systemd()) return;
  std::vector<std::string> argv{"systemctl"};
  if (::geteuid() != 0) argv.emplace_back("--user");
  argv.emplace_back("daemon-reload");
  (void)run_and_capture({.argv = argv});
}

// The unit from the package only works for the packaged program and the default roots.
bool packaged_will_do() {
  const bool usual = environment("CONSORT_DATA_ROOT").empty() && environment("CONSORT_RUN_ROOT").empty();
  return ::geteuid() == 0 && usual && path_exists(std::string(packaged_directory) + "/" + unit_name) &&
         own_program().value_or("") == packaged_program;
}

Result<int> enable() {
  if (!has_systemd() && !path_exists("/lib/systemd/systemd"))
    return fail(Error(Code::unsupported, "enable at boot")
                    .why("systemd is not installed")
                    .hint("add this line to `crontab -e`: @reboot consort internal boot"));
  const Unit unit = unit_of_caller();
  TRY(make_directories(dir_name(unit.link())));
  std::string path = std::string(packaged_directory) + "/" + unit_name;
  if (!packaged_will_do()) {
    path = unit.path();
    TRY(write_file_atomic(path, TRY(unit_text()), 0644, Durability::durable));
  }
  TRY(remove_file(unit.link()));
  if (::symlink(path.c_str(), unit.link().c_str()) != 0) return fail_errno("create link", unit.link());
  tell_systemd();
  print_out("what is running will be started again at boot (" + path + ")\n");
  if (::geteuid() != 0 && !path_exists("/var/lib/systemd/linger/" + environment("USER")))
    print_out("to start before you log in: sudo loginctl enable-linger " + environment("USER") + "\n");
  return 0;
}

Result<int> disable() {
  const Unit unit = unit_of_caller();
  TRY(remove_file(unit.link()));
  TRY(remove_file(unit.path()));
  tell_systemd();
  print_out("nothing will be started at boot\n");
  return 0;
}

Result<int> status() {
  const bool enabled = path_exists(unit_of_caller().link());
  print_out(enabled ? "enabled\n" : "disabled\n");
  return enabled ? 0 : 1;
}

// Opens a workspace for one project by name, without looking for a file.
Result<std::unique_ptr<Workspace>> open_project(const Invocation& invocation, const std::string& name) {
  Invocation of_project = invocation;
  of_project.globals.set("project-name", name);
  auto workspace = TRY(Workspace::open(of_project, Need::name));
  TRY(workspace->lock());
  return workspace;
}

// The containers with these ids, and their services. The dependency graph also includes other services.
struct Chosen {
  project::Containers containers;
  std::set<std::string> services;
  project::ServiceGraph graph;
};

Result<Chosen> choose(Workspace& workspace, const std::set<std::string>& ids) {
  project::Containers all = TRY(workspace.engine().list({.project = workspace.project_name()}));
  Chosen chosen{.graph = project::ServiceGraph::of(all)};
  for (engine::Container& container : all) {
    if (!ids.contains(container.id)) continue;
    chosen.services.insert(container.service);
    chosen.containers.push_back(std::move(container));
  }
  return chosen;
}

Result<> bring_back(const Invocation& invocation, const std::string& name, const std::set<std::string>& ids) {
  const auto workspace = TRY(open_project(invocation, name));
  const Chosen chosen = TRY(choose(*workspace, ids));
  if (chosen.containers.empty()) return {};
  project::Plan plan = TRY(project::plan_start(chosen.containers, chosen.graph, chosen.services));
  plan.on_failure = project::OnFailure::go_on;
  return project::execute(workspace->session(), plan, "Running");
}

// True on a machine where the program has never been used: not even the data root is created then.
Result<bool> is_unused() {
  return !path_exists(TRY(Roots::from_environment()).state_db());
}

// Removes containers that should have been removed when they ended, but ended at shutdown, when no process was left to
// do it. They still hold names and addresses. A failure is reported, and the others are removed.
void remove_ended(engine::Engine& engine, engine::Boot& boot, const engine::Boot::OnTrouble& tell) {
  const auto remove = [&](const std::string& id) {
    const Result<> gone = engine.remove_container(id, {.volumes = engine::AnonymousVolumes::remove});
    // Conflict: it is running, because the user has just started it.
    if (!gone && gone.error().code() != Code::conflict && gone.error().code() != Code::not_found) tell(gone.error());
  };
  if (const auto ids = boot.to_remove(tell))
    std::ranges::for_each(*ids, remove);
  else
    tell(ids.error());
  if (const auto removed = engine.remove_left_behind(); !removed) tell(removed.error());
}

// Reports failures, and continues with the other projects.
Result<int> tell_failures(const Invocation& invocation, const std::map<std::string, Result<>>& outcomes) {
  int status = 0;
  for (const auto& [name, done] : outcomes) {
    if (done) continue;
    if (done.error().code() == Code::interrupted) return fail(Code::interrupted, "interrupted");
    print_err("project " + name + ": ");
    print_error(invocation, done.error());
    status = 1;
  }
  return status;
}

}  // namespace

Result<int> run_boot(Invocation& invocation) {
  const std::string& verb = invocation.arguments[0];
  if (verb == "enable") return enable();
  if (verb == "disable") return disable();
  if (verb == "status") return status();
  return fail(Error(Code::invalid, "unknown command: \"boot " + verb + "\"").hint("use enable, disable or status"));
}

namespace {

// `internal boot PROJECT ID...`: our part of it, as the program that started us has found it.
Result<int> bring_back_one(const Invocation& invocation) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // systemd ends only the first process of the service
  const auto& words = invocation.arguments;
  std::map<std::string, Result<>> outcomes;
  outcomes[words[0]] = bring_back(invocation, words[0], {words.begin() + 1, words.end()});
  return tell_failures(invocation, outcomes);
}

constexpr int projects_at_once = 16;
using Projects = std::map<std::string, std::set<std::string>>;  // ids of containers

Result<ExitStatus> run_boot_of(const std::string& name, const std::set<std::string>& ids) {
  std::vector<std::string> argv{"/proc/self/exe", "internal", "boot", name};
  argv.insert(argv.end(), ids.begin(), ids.end());
  ChildGuard child = TRY(spawn({.argv = argv}));
  return child.wait();
}

// Each project in a process of its own: one that waits, for a health check or for the server that has its files, keeps
// no other waiting. Signals are for a whole process, so threads would not do. Returns those that did not succeed.
Projects bring_back_all(const Invocation& invocation, const Projects& projects) {
  std::counting_semaphore<projects_at_once> slots(projects_at_once);
  const auto run = [&slots](const std::string& name, const std::set<std::string>& ids) {
    slots.acquire();
    Result<ExitStatus> ended = run_boot_of(name, ids);
    slots.release();
    return ended;
  };
  std::map<std::string, std::future<Result<ExitStatus>>> running;
  for (const auto& [name, ids] : projects) {
    try {
      running[name] = std::async(std::launch::async, run, name, ids);
    } catch (const std::system_error&) {
      running[name] = std::async(std::launch::deferred, run, name, ids);
    }
  }
  Projects failed;
  for (auto& [name, ending] : running) {
    const Result<ExitStatus> ended = ending.get();
    if (ended && ended->success()) continue;
    failed[name] = projects.at(name);
    if (ended) continue;  // it has said why
    print_err("project " + name + ": ");
    print_error(invocation, ended.error());
  }
  return failed;
}

}  // namespace

Result<int> run_internal_boot(Invocation& invocation) {
  if (!invocation.arguments.empty()) return bring_back_one(invocation);
  if (TRY(is_unused())) return 0;
  Projects to_bring_back;
  bool all_seen = true;
  {
    const auto workspace = TRY(Workspace::open(invocation, Need::engine));
    engine::Boot boot = TRY(engine::Boot::open(workspace->engine().roots()));
    to_bring_back = TRY(boot.to_bring_back([&](const Error& error) {
      print_error(invocation, error);
      all_seen = false;
    }));
    remove_ended(workspace->engine(), boot, [&](const Error& error) { print_error(invocation, error); });
  }
  Projects failed = bring_back_all(invocation, to_bring_back);
  // A container may use the network or the volumes of one in another project, which runs by now.
  if (!failed.empty() && failed.size() < to_bring_back.size()) failed = bring_back_all(invocation, failed);
  return all_seen && failed.empty() ? 0 : 1;
}

namespace {

// In its own thread; one after another if no thread can be created.
std::future<Result<>> begin_to_end(const Roots& roots, const std::string& name) {
  const auto end = [&roots, name] { return engine::shut_down_project(roots, name); };
  try {
    return std::async(std::launch::async, end);
  } catch (const std::system_error&) {
    return std::async(std::launch::deferred, end);
  }
}

}  // namespace

// All projects at once: each takes as long as its containers' grace periods, and the shutdown waits for them.
Result<int> run_internal_shutdown(Invocation& invocation) {
  if (TRY(is_unused())) return 0;
  std::set<std::string> names;
  {
    const auto workspace = TRY(Workspace::open(invocation, Need::engine));
    for (const engine::Container& container : TRY(workspace->engine().list())) names.insert(container.project);
  }
  const Roots roots = TRY(Roots::from_environment());
  std::map<std::string, std::future<Result<>>> endings;
  for (const std::string& name : names) endings[name] = begin_to_end(roots, name);
  std::map<std::string, Result<>> outcomes;
  for (auto& [name, ending] : endings) outcomes[name] = ending.get();
  return tell_failures(invocation, outcomes);
}

}  // namespace consort::cli
