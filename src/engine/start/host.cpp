#include "engine/start/host.hpp"

#include <unistd.h>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort::engine {

namespace {

std::string first_line(const std::string& path) {
  const Result<std::string> text = read_file(path, 4096);
  return text ? std::string(trim(*text)) : "";
}

}  // namespace

HostInfo read_host() {
  HostInfo host;
  const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
  host.cpus = online > 0 ? static_cast<unsigned>(online) : 1;
  host.cpuset = first_line("/sys/devices/system/cpu/online");
  host.memory_nodes = first_line("/sys/devices/system/node/online");
  host.cgroup_v2 = path_exists("/sys/fs/cgroup/cgroup.controllers");
  host.swap_accounting = host.cgroup_v2 || path_exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes");
  host.apparmor = first_line("/sys/module/apparmor/parameters/enabled") == "Y";
  host.selinux = path_exists("/sys/fs/selinux/enforce");
  return host;
}

std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text) {
  std::vector<unsigned> cpus;
  for (const std::string& part : split(text, ',')) {
    const std::vector<std::string> ends = split(trim(part), '-');
    if (ends.size() > 2) return std::nullopt;
    const auto first = parse_unsigned(ends.front());
    const auto last = parse_unsigned(ends.back());
    constexpr std::uint64_t limit = 8192;  // NR_CPUS of the largest kernels
    if (!first || !last || *first > *last || *last >= limit) return std::nullopt;
    for (std::uint64_t cpu = *first; cpu <= *last; ++cpu) cpus.push_back(static_cast<unsigned>(cpu));
  }
  return cpus;
}

}  // namespace consort::engine
