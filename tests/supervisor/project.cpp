#include "project.hpp"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "../facilities.hpp"
#include "base/json.hpp"
#include "base/os/processes/process_stat.hpp"
#include "base/strings.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/defaults.hpp"
#include "supervisor/log.hpp"
#include "supervisor/loop/keeper_lock.hpp"

namespace consort::supervisor {

bool kill_both(const TestProject& project) {
  const pid_t keeper = project.keeper(), supervisor = project.supervisor();
  if (keeper <= 0 || supervisor <= 0) return false;
  ::kill(keeper, SIGKILL);
  ::kill(supervisor, SIGKILL);
  return eventually([&] { return project.supervisor() == 0 && !keeper_lives(project.run_directory()); });
}

bool has_ended(pid_t pid) {
  const auto stat = stat_fields_of(pid);
  return !stat || stat->has_ended();
}

bool eventually(const std::function<bool()>& check, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!check()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

std::string TestProject::why_not() {
  if (const std::string reason = test::why_no_containers(); !reason.empty()) return reason;
  if (runtime::cgroup_version() == runtime::CgroupVersion::none) return "no cgroup hierarchy is mounted";
  return {};
}

TestProject::TestProject()
    : roots_{directory_ / "data", directory_ / "run"},
      name_("test" + random_id().substr(0, 8)),
      client_(roots_, name_) {
  ::setenv("CONSORT_LIBEXEC", CONSORT_BINARY_ROOT, 0);  // other programs may be tried with it
  (void)roots_.prepare();
  const std::string rootfs = directory_ / "rootfs";
  (void)make_directories(rootfs + "/etc");
  (void)make_directories(rootfs + "/tmp");
  std::filesystem::copy_file(CONSORT_PROBE, rootfs + "/probe");
}

TestProject::~TestProject() {
  const std::string log = run_directory() + "/supervisor.log";
  if (testing::Test::HasFailure())
    if (const auto text = read_file(log)) std::fprintf(stderr, "supervisor.log:\n%s\n", text->c_str());
  (void)client_.shutdown();
  if (!eventually([&] { return supervisor() == 0 && keeper() == 0; }))
    ADD_FAILURE() << "keeper or supervisor did not end";
}

std::string TestProject::process(const std::vector<std::string>& words) const {
  std::vector<std::string> args{"/probe"};
  args.insert(args.end(), words.begin(), words.end());
  const auto capabilities = runtime::capability_names(runtime::default_capabilities);
  const Json process{
      {"args", args},
      {"env", {"PATH=/"}},
      {"cwd", "/"},
      {"user", {{"uid", 0}, {"gid", 0}}},
      {"capabilities", {{"bounding", capabilities}, {"effective", capabilities}, {"permitted", capabilities}}}};
  return dump_json(process);
}

ContainerUnit TestProject::unit(const std::vector<std::string>& words) {
  ContainerUnit unit;
  unit.id = random_id();
  unit.name = name_ + "-" + unit.id.substr(0, 6);
  unit.project = name_;
  unit.service = "probe";
  unit.bundle = roots_.container(unit.id);
  unit.overlay = OverlayUnit{{directory_ / "rootfs"}, unit.bundle + "/upper", unit.bundle + "/work"};
  unit.log.path = unit.bundle + "/log";
  unit.network_mode = NetworkMode::none;
  for (const char* directory : {"/upper", "/work", "/rootfs"}) (void)make_directories(unit.bundle + directory);

  Json mounts = Json::array();
  for (const runtime::Mount& mount : runtime::default_mounts())
    mounts.push_back({{"destination", mount.destination},
                      {"type", mount.type},
                      {"source", mount.source},
                      {"options", mount.options}});
  Json namespaces = Json::array();
  for (const char* kind : {"mount", "pid", "network", "ipc", "uts", "cgroup"}) namespaces.push_back({{"type", kind}});
  const Json config{{"ociVersion", "1.2.0"},
                    {"process", parse_json(process(words), "process").value()},
                    {"root", {{"path", "rootfs"}}},
                    {"hostname", "probe"},
                    {"mounts", mounts},
                    {"linux", {{"namespaces", namespaces}, {"cgroupsPath", "/consort-test/" + unit.id}}}};
  (void)write_file_atomic(unit.bundle + "/config.json", dump_json(config));
  return unit;
}

std::string TestProject::write(const ContainerUnit& unit) {
  const std::string path = unit.bundle + "/unit.json";
  EXPECT_TRUE(write_file_atomic(path, unit_to_json(unit)));
  return path;
}

std::vector<std::string> TestProject::log(const ContainerUnit& unit) const {
  std::vector<std::string> lines;
  LogReader reader(unit.log.path, {});
  LogReader::LineHandler handler = [&](const LogLine& line) { lines.emplace_back(line.text); };
  EXPECT_TRUE(reader.read(handler));
  reader.flush(handler);
  return lines;
}

ObservedContainer TestProject::state(const ContainerUnit& unit) const {
  const std::vector<std::string> ids{unit.id};
  auto states = observe(roots_, name_, ids, std::make_shared<Patience>());
  if (!states || !states->contains(unit.id)) return ObservedContainer{};
  return states->at(unit.id);
}

std::vector<pid_t> TestProject::find_program(const std::string& program) const {
  DIR* directory = ::opendir("/proc");
  std::vector<pid_t> found;
  while (const dirent* entry = ::readdir(directory)) {
    const auto pid = parse_unsigned(entry->d_name);
    if (!pid) continue;
    const auto line = read_file("/proc/" + std::string(entry->d_name) + "/cmdline", 65536);
    if (!line) continue;
    const std::vector<std::string> words = split(*line, '\0');
    const bool ours = std::ranges::find(words, name_) != words.end();
    // A process that only waits for the disk (Cleaner) has the supervisor's command line, but a name of its own.
    const auto name = read_file("/proc/" + std::string(entry->d_name) + "/comm", 64);
    const bool named = name && program.starts_with(trim(*name));
    if (ours && named && words[0].ends_with(program)) found.push_back(static_cast<pid_t>(*pid));
  }
  ::closedir(directory);
  return found;
}

}  // namespace consort::supervisor
