// Resource usage of a cgroup.
#include <unistd.h>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "runtime/cgroup/cgroup_files.hpp"

namespace consort::runtime {

namespace internal {

std::string read_value(const std::string& path) {
  Result<std::string> text = read_file(path, std::size_t{1} << 20);
  return text ? std::move(*text) : std::string();
}

std::uint64_t keyed_value(const std::string& text, std::string_view key) {
  for (const std::string& line : split(text, '\n')) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
    return parse_unsigned(trim(std::string_view(line).substr(key.size()))).value_or(0);
  }
  return 0;
}

std::uint64_t plain_value(const std::string& path) {
  return parse_unsigned(trim(read_value(path))).value_or(0);  // "max" is 0: none
}

}  // namespace internal

using internal::keyed_value;
using internal::plain_value;
using internal::read_value;

std::uint64_t Cgroup::oom_kills() const {
  const Impl::Part* part = impl_->part_with("memory");
  if (!part) return 0;
  const char* const file = part->hierarchy->unified ? "/memory.events" : "/memory.oom_control";
  return keyed_value(read_value(part->directory + file), "oom_kill");
}

namespace {

void read_stats_v2(const std::string& directory, CgroupStats& stats) {
  const std::string cpu = read_value(directory + "/cpu.stat");
  stats.cpu_usage_ns = keyed_value(cpu, "usage_usec") * 1000;
  stats.cpu_user_ns = keyed_value(cpu, "user_usec") * 1000;
  stats.cpu_system_ns = keyed_value(cpu, "system_usec") * 1000;
  stats.throttled_periods = keyed_value(cpu, "nr_throttled");
  stats.memory_bytes = plain_value(directory + "/memory.current");
  stats.memory_limit = plain_value(directory + "/memory.max");
  stats.memory_peak = plain_value(directory + "/memory.peak");
  stats.memory_inactive_file = keyed_value(read_value(directory + "/memory.stat"), "inactive_file");
  stats.pids = plain_value(directory + "/pids.current");
  stats.pids_limit = plain_value(directory + "/pids.max");
  // "8:0 rbytes=1 wbytes=2 rios=3 ..." for each device
  for (const std::string& word : split(replace_all(read_value(directory + "/io.stat"), "\n", " "), ' ')) {
    if (word.starts_with("rbytes=")) stats.io_read_bytes += parse_unsigned(word.substr(7)).value_or(0);
    if (word.starts_with("wbytes=")) stats.io_write_bytes += parse_unsigned(word.substr(7)).value_or(0);
  }
}

constexpr std::uint64_t no_limit_v1 = std::uint64_t{1} << 62;  // the kernel shows "unlimited" as the largest page count

std::uint64_t clock_tick_ns() {
  const long ticks = ::sysconf(_SC_CLK_TCK);
  return ticks > 0 ? 1'000'000'000ULL / static_cast<std::uint64_t>(ticks) : 10'000'000ULL;
}

void read_memory_v1(const std::string& directory, CgroupStats& stats) {
  stats.memory_bytes = plain_value(directory + "/memory.usage_in_bytes");
  stats.memory_peak = plain_value(directory + "/memory.max_usage_in_bytes");
  const std::uint64_t limit = plain_value(directory + "/memory.limit_in_bytes");
  stats.memory_limit = limit >= no_limit_v1 ? 0 : limit;
  stats.memory_inactive_file = keyed_value(read_value(directory + "/memory.stat"), "total_inactive_file");
}

void read_blkio_v1(const std::string& directory, CgroupStats& stats) {
  // "8:0 Read 4096" for each device, and a last line "Total N"
  for (const std::string& line : split(read_value(directory + "/blkio.throttle.io_service_bytes"), '\n')) {
    const std::vector<std::string> words = split(line, ' ');
    if (words.size() != 3) continue;
    if (words[1] == "Read") stats.io_read_bytes += parse_unsigned(words[2]).value_or(0);
    if (words[1] == "Write") stats.io_write_bytes += parse_unsigned(words[2]).value_or(0);
  }
}

}  // namespace

Result<CgroupStats> Cgroup::stats() const {
  CgroupStats stats;
  if (impl_->parts.empty()) return fail(Code::not_found, "read cgroup", impl_->path);
  if (const Impl::Part* unified = impl_->unified()) read_stats_v2(unified->directory, stats);
  const auto v1 = [this](std::string_view controller) -> const std::string* {
    const Impl::Part* part = impl_->part_with(controller);
    return part && !part->hierarchy->unified ? &part->directory : nullptr;
  };
  if (const std::string* directory = v1("memory")) read_memory_v1(*directory, stats);
  if (const std::string* directory = v1("blkio")) read_blkio_v1(*directory, stats);
  if (const std::string* directory = v1("cpuacct")) {
    stats.cpu_usage_ns = plain_value(*directory + "/cpuacct.usage");
    const std::string text = read_value(*directory + "/cpuacct.stat");
    stats.cpu_user_ns = keyed_value(text, "user") * clock_tick_ns();
    stats.cpu_system_ns = keyed_value(text, "system") * clock_tick_ns();
  }
  if (const std::string* directory = v1("cpu"))
    stats.throttled_periods = keyed_value(read_value(*directory + "/cpu.stat"), "nr_throttled");
  if (const std::string* directory = v1("pids")) {
    stats.pids = plain_value(*directory + "/pids.current");
    stats.pids_limit = plain_value(*directory + "/pids.max");
  }
  return stats;
}

}  // namespace consort::runtime
