// The processes of a container as `ps -ef` on the host shows them.
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <map>

#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "engine/engine_impl.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/inspect.hpp"
#include "runtime/pid_namespace.hpp"

namespace consort::engine {

namespace {

struct ProcessStat {
  char state = '?';
  int parent = 0;
  int tty = 0;
  std::uint64_t ticks = 0;  // CPU time used
  std::uint64_t begun = 0;  // ticks after boot
};

// Each is read in the process's folder in /proc, which stays its own.
Result<std::string> read_in(int folder, const char* name, std::size_t limit) {
  const Fd file = TRY(open_at(folder, name, O_RDONLY));
  return read_all(file.get(), limit);
}

std::optional<ProcessStat> read_stat(int folder) {
  const Result<std::string> text = read_in(folder, "stat", 4096);
  if (!text) return std::nullopt;
  const std::size_t name_end = text->rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const std::vector<std::string> fields = split(trim(std::string_view(*text).substr(name_end + 1)), ' ');
  if (fields.size() < 20) return std::nullopt;
  const auto number = [&](std::size_t i) { return parse_unsigned(fields[i]).value_or(0); };
  return ProcessStat{.state = fields[0].empty() ? '?' : fields[0][0],
                     .parent = static_cast<int>(number(1)),
                     .tty = static_cast<int>(number(4)),
                     .ticks = number(11) + number(12),
                     .begun = number(19)};
}

std::string user_of(int folder) {
  struct stat st {};
  if (::fstat(folder, &st) != 0) return "?";
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(st.st_uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found) return found->pw_name;
  return std::to_string(st.st_uid);
}

std::string command_of(int folder) {
  std::string line = read_in(folder, "cmdline", 1 << 20).value_or("");
  while (!line.empty() && line.back() == '\0') line.pop_back();
  std::ranges::replace(line, '\0', ' ');
  if (!line.empty()) return line;
  return "[" + std::string(trim(read_in(folder, "comm", 4096).value_or("?"))) + "]";
}

std::string tty_name(int device) {
  if (device == 0) return "?";
  const int major = (device >> 8) & 0xfff;
  const int minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  return major >= 136 && major <= 143 ? "pts/" + std::to_string((major - 136) * 256 + minor) : "tty";
}

// The hour of a process of today, the day of an older one.
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

std::vector<std::string> row_of(pid_t pid, int folder, const ProcessStat& stat) {
  const auto hertz = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
  timespec up{};
  ::clock_gettime(CLOCK_BOOTTIME, &up);
  const std::time_t now = std::time(nullptr);
  const auto age =
      static_cast<std::uint64_t>(up.tv_sec) - std::min(static_cast<std::uint64_t>(up.tv_sec), stat.begun / hertz);
  const std::time_t begun = now - static_cast<std::time_t>(age);
  const std::uint64_t cpu = stat.ticks / hertz;
  const std::uint64_t share = age ? std::min<std::uint64_t>(99, cpu * 100 / age) : 0;
  return {user_of(folder),        std::to_string(pid), std::to_string(stat.parent), std::to_string(share),
          begun_text(begun, now), tty_name(stat.tty),  duration_text(cpu),          command_of(folder)};
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
  std::map<pid_t, Fd> folders;
  for (const pid_t pid : TRY(pids_now()))
    if (auto folder = open_file("/proc/" + std::to_string(pid), O_PATH | O_DIRECTORY))
      folders.emplace(pid, std::move(*folder));
  std::vector<pid_t> pids = TRY(pids_now());  // a number that was somebody else's by then is not among them
  std::ranges::sort(pids);
  ProcessTable table{.titles = {"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"}, .rows = {}};
  for (const pid_t pid : pids) {
    const auto folder = folders.find(pid);
    if (folder == folders.end() || runtime::is_being_set_up(pid)) continue;
    if (const auto stat = read_stat(folder->second.get()))
      table.rows.push_back(row_of(pid, folder->second.get(), *stat));
  }
  return table;
}

}  // namespace consort::engine
