// _ping, version and info.
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "base/version.hpp"
#include "engine/images.hpp"
#include "serve/api/limits.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"
#include "serve/api/shapes.hpp"

namespace consort::serve {

namespace {

std::string api_version(unsigned minor) {
  return "1." + std::to_string(minor);
}

utsname kernel() {
  utsname name{};
  ::uname(&name);
  return name;
}

// Docker's command before 23 built with BuildKit without buildx, over POST /build and its own session, if an engine
// announced support. Otherwise it sends its files as a tar, which is all we need.
bool builds_without_buildx(std::string_view user_agent) {
  constexpr std::string_view client = "Docker-Client/";
  constexpr std::uint64_t first_with_buildx = 23;
  if (!user_agent.starts_with(client)) return false;
  const std::string_view number = user_agent.substr(client.size());
  return parse_unsigned(number.substr(0, number.find('.'))).value_or(first_with_buildx) < first_with_buildx;
}

Result<> ping(Call& call) {
  call.add_header("Builder-Version", builds_without_buildx(call.request().header("user-agent")) ? "1" : "2");
  call.add_header("Swarm", "inactive");
  call.add_header("Cache-Control", "no-cache, no-store, must-revalidate");
  call.add_header("Pragma", "no-cache");
  return call.text(200, call.request().method == "HEAD" ? "" : "OK");
}

Result<> version_of(Call& call) {
  const utsname system = kernel();
  const std::string architecture = image::Platform::host().architecture;
  const Json details{{"ApiVersion", api_version(Service::newest_version)},
                     {"Arch", architecture},
                     {"BuildTime", ""},
                     {"Experimental", "false"},
                     {"GitCommit", ""},
                     {"GoVersion", ""},
                     {"KernelVersion", system.release},
                     {"MinAPIVersion", api_version(Service::oldest_version)},
                     {"Os", "linux"}};
  return call.json(200, {{"Platform", {{"Name", "Consort"}}},
                         {"Version", version},
                         {"ApiVersion", api_version(Service::newest_version)},
                         {"MinAPIVersion", api_version(Service::oldest_version)},
                         {"Os", "linux"},
                         {"Arch", architecture},
                         {"Components", {{{"Name", "Engine"}, {"Version", version}, {"Details", details}}}},
                         {"GitCommit", ""},
                         {"GoVersion", ""},
                         {"KernelVersion", system.release},
                         {"BuildTime", ""}});
}

// "Debian GNU/Linux 12 (bookworm)", "12"
std::string os_release(std::string_view key) {
  for (const std::string& line : split(read_file("/etc/os-release").value_or(""), '\n')) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos || line.substr(0, equals) != key) continue;
    std::string value = line.substr(equals + 1);
    std::erase(value, '"');
    return value;
  }
  return {};
}

// Stays the same as long as the machine and its data root do.
std::string engine_id(const std::string& data_root) {
  const std::string hex = sha256_hex(read_file("/etc/machine-id").value_or("") + data_root);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20, 12);
}

struct Counts {
  std::size_t all = 0, running = 0, paused = 0, stopped = 0;
};

Result<Counts> count_containers(Call& call) {
  Counts counts;
  for (const engine::Container& container : TRY(TRY(call.engine())->list())) {
    if (!call.service().shows(container)) continue;
    ++counts.all;
    if (container.state.status == engine::Status::paused)
      ++counts.paused;
    else if (container.state.running())
      ++counts.running;
    else
      ++counts.stopped;
  }
  return counts;
}

void add_machine(Json& info, const std::string& data_root) {
  const utsname system = kernel();
  struct sysinfo memory {};
  ::sysinfo(&memory);
  std::string name(64, '\0');
  ::gethostname(name.data(), name.size());
  const bool unified = path_exists("/sys/fs/cgroup/cgroup.controllers");
  info["CgroupDriver"] = "cgroupfs";
  info["CgroupVersion"] = unified ? "2" : "1";
  info["KernelVersion"] = system.release;
  info["OperatingSystem"] = os_release("PRETTY_NAME");
  info["OSVersion"] = os_release("VERSION_ID");
  info["OSType"] = "linux";
  info["Architecture"] = system.machine;
  info["NCPU"] = ::sysconf(_SC_NPROCESSORS_ONLN);
  info["MemTotal"] = memory.totalram * memory.mem_unit;
  info["DockerRootDir"] = data_root;
  info["Name"] = name.c_str();
}

void add_fixed(Json& info) {
  constexpr const char* index = "https://index.docker.io/v1/";
  info["IndexServerAddress"] = index;
  info["RegistryConfig"] = {
      {"IndexConfigs",
       {{"docker.io", {{"Mirrors", Json::array()}, {"Name", "docker.io"}, {"Official", true}, {"Secure", true}}}}},
      {"InsecureRegistryCIDRs", {"::1/128", "127.0.0.0/8"}},
      {"Mirrors", Json::array()}};
  info["GenericResources"] = nullptr;
  info["HttpProxy"] = info["HttpsProxy"] = info["NoProxy"] = "";
  info["Labels"] = Json::array();
  info["ExperimentalBuild"] = false;
  info["ServerVersion"] = version;
  info["Runtimes"] = {{"consort", {{"path", "consort"}}}, {"runc", {{"path", "runc"}}}};
  info["DefaultRuntime"] = "consort";
  info["Swarm"] = {
      {"NodeID", ""}, {"NodeAddr", ""},           {"LocalNodeState", "inactive"}, {"ControlAvailable", false},
      {"Error", ""},  {"RemoteManagers", nullptr}};
  info["LiveRestoreEnabled"] = true;
  info["Isolation"] = "";
  info["InitBinary"] = "consort-init";
  info["ContainerdCommit"] = info["RuncCommit"] = info["InitCommit"] = {{"ID", ""}};
  info["SecurityOptions"] = {"name=seccomp,profile=builtin", "name=cgroupns"};
  info["CDISpecDirs"] = Json::array();
  info["Warnings"] = nullptr;
}

Result<> info(Call& call) {
  const Counts counts = TRY(count_containers(call));
  const std::size_t images = TRY(shown_images(call)).size();
  const std::string& data_root = call.service().roots().data;
  Json info{{"ID", engine_id(data_root)},
            {"Containers", counts.all},
            {"ContainersRunning", counts.running},
            {"ContainersPaused", counts.paused},
            {"ContainersStopped", counts.stopped},
            {"Images", images},
            {"Driver", "overlay2"},
            {"DriverStatus", Json::array({Json::array({"Backing Filesystem", "overlayfs"})})},
            {"Plugins",
             {{"Volume", {"local"}},
              {"Network", {"bridge", "host", "ipvlan", "macvlan", "null"}},
              {"Authorization", nullptr},
              {"Log", {"fluentd", "gelf", "journald", "json-file", "local", "none", "syslog"}}}}};
  for (const char* key : {"MemoryLimit", "SwapLimit", "CpuCfsPeriod", "CpuCfsQuota", "CPUShares", "CPUSet", "PidsLimit",
                          "IPv4Forwarding"})
    info[key] = true;
  info["OomKillDisable"] = !path_exists("/sys/fs/cgroup/cgroup.controllers");
  info["Debug"] = false;
  info["NFd"] = 0;
  info["NGoroutines"] = 0;
  info["SystemTime"] = go_time(system_now());
  info["LoggingDriver"] = "json-file";
  info["NEventsListener"] = 0;
  add_machine(info, data_root);
  add_fixed(info);
  return call.json(200, info);
}

constexpr Route table[] = {
    {"GET", "/_ping", ping, Access::look, Reach::project},
    {"HEAD", "/_ping", ping, Access::look, Reach::project},
    {"GET", "/version", version_of, Access::look, Reach::project},
    {"GET", "/info", info, Access::look, Reach::project},
};

}  // namespace

std::span<const Route> system_routes() {
  return table;
}

}  // namespace consort::serve
