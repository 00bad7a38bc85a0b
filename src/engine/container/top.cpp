// The processes of a container, as `ps -ef` on the host shows them.
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <map>

#include "base/os/files/file.hpp"
#include "base/os/processes/process_stat.hpp"
#include "base/strings.hpp"
#include "engine/engine_impl.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/inspect.hpp"
#include "runtime/pid_namespace.hpp"

namespace consort::engine {

namespace {

// Fields of /proc/PID/stat: see proc_pid_stat(5).
constexpr std::size_t tty_field = 7, user_ticks_field = 14, system_ticks_field = 15;

// Each is read through the process's directory in /proc, which stays valid for that process only.
Result<std::string> read_in(int directory, const char* name, std::size_t limit) {
  const Fd file = TRY(open_at(directory, name, O_RDONLY));
  return read_all(file.get(), limit);
}

std::string user_of(int directory) {
  struct stat st {};
  if (::fstat(directory, &st) != 0) return "?";
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(st.st_uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found) return found->pw_name;
  return std::to_string(st.st_uid);
}

std::string command_of(int directory) {
  std::string line = read_in(directory, "cmdline", 1 << 20).value_or("");
  while (!line.empty() && line.back() == '\0') line.pop_back();
  std::ranges::replace(line, '\0', ' ');
  if (!line.empty()) return line;
  return "[" + std::string(trim(read_in(directory, "comm", 4096).value_or("?"))) + "]";
}

std::string tty_name(int device) {
  if (device == 0) return "?";
  const int major = (device >> 8) & 0xfff;
  const int minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  return major >= 136 && major <= 143 ? "pts/" + std::to_string((major - 136) * 256 + minor) : "tty";
}

// The time of day for a process started today, the date for an older one.
std::string begun_text(std::time_t begun, std::time_t now) {
  std::tm local{};
  ::localtime_r(&begun, &local);
  std::array<char, 16> text;
  if (now - begun < 86400) {
    std::strftime(text.data(), text.size(), "%H:%M", &local);
  } else {
    std::strftime(text.data(), text.size(), "%b%d", &local);
  }
  return text.data();
}

std::string duration_text(std::uint64_t seconds) {
  std::array<char, 48> text;
  std::snprintf(text.data(), text.size(), "%02llu:%02llu:%02llu", static_cast<unsigned long long>(seconds / 3600),
                static_cast<unsigned long long>(seconds / 60 % 60), static_cast<unsigned long long>(seconds % 60));
  return text.data();
}

std::vector<std::string> row_of(pid_t pid, int directory, const StatFields& stat) {
  const auto hertz = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
  timespec up{};
  ::clock_gettime(CLOCK_BOOTTIME, &up);
  const std::time_t now = std::time(nullptr);
  const auto age =
      static_cast<std::uint64_t>(up.tv_sec) - std::min(static_cast<std::uint64_t>(up.tv_sec), stat.started() / hertz);
  const std::time_t begun = now - static_cast<std::time_t>(age);
  const auto number = [&](std::size_t field) { return stat.number(field).value_or(0); };
  const std::uint64_t cpu = (number(user_ticks_field) + number(system_ticks_field)) / hertz;
  const std::uint64_t share = age ? std::min<std::uint64_t>(99, cpu * 100 / age) : 0;
  return {user_of(directory),    std::to_string(pid),    std::to_string(stat.parent()),
          std::to_string(share), begun_text(begun, now), tty_name(static_cast<int>(number(tty_field))),
          duration_text(cpu),    command_of(directory)};
}

}  // namespace

Result<ProcessTable> Engine::top(const std::string& id) {
  const std::string path = TRY(impl_->cgroup_of(id));
  impl_->note(TRY(impl_->load(id)).summary, "top");
  const runtime::Cgroup group = runtime::Cgroup::open(path);
  const int first = TRY(impl_->running_pid(id));
  const auto pids_now = [&]() -> Result<std::vector<pid_t>> {
    std::vector<pid_t> found = TRY(group.pids());
    return found.empty() ? runtime::processes_beside(first) : found;  // of a user without control groups
  };
  std::map<pid_t, Fd> directories;
  for (const pid_t pid : TRY(pids_now()))
    if (auto directory = open_file("/proc/" + std::to_string(pid), O_PATH | O_DIRECTORY))
      directories.emplace(pid, std::move(*directory));
  std::vector<pid_t> pids = TRY(pids_now());  // a number that was somebody else's by then is not among them
  std::ranges::sort(pids);
  ProcessTable table{.titles = {"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"}, .rows = {}};
  for (const pid_t pid : pids) {
    const auto directory = directories.find(pid);
    if (directory == directories.end() || runtime::is_being_set_up(pid)) continue;
    if (const auto stat = stat_fields_in(directory->second.get()))
      table.rows.push_back(row_of(pid, directory->second.get(), *stat));
  }
  return table;
}

}  // namespace consort::engine
