// Lists a container's processes: a shell in it reads them from /proc, because not every image has `ps`.
#include <algorithm>
#include <cstdio>
#include <map>

#include "base/os/processes/process_stat.hpp"
#include "base/strings.hpp"
#include "kube/observe.hpp"
#include "kube/verbs.hpp"

namespace consort::kube {

namespace {

// "S" and a process's stat, "U" its user, "C" its command line; "B" the machine's boot time, "P" the pid of the script
// itself.
constexpr const char* look_at_proc = R"(echo "P $$"
while read -r k v; do [ "$k" = btime ] && echo "B $v"; done </proc/stat
for p in /proc/[0-9]*; do
  s=; while IFS= read -r l; do s="$s$l "; done <"$p/stat"
  [ -n "$s" ] || continue
  printf 'S %s\n' "$s"
  while read -r k v _; do [ "$k" = Uid: ] && echo "U $v"; done <"$p/status"
  printf 'C '; tr '\000\n' '  ' <"$p/cmdline"; echo
done 2>/dev/null
true)";

constexpr std::uint64_t ticks_per_second = 100;  // the unit that Linux shows to programs, whatever its internal one
constexpr std::size_t user_ticks_field = 14, system_ticks_field = 15;

std::string clock(std::uint64_t seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%02u:%02u:%02u", static_cast<unsigned>(seconds / 3600 % 1000),
                static_cast<unsigned>(seconds / 60 % 60), static_cast<unsigned>(seconds % 60));
  return text;
}

std::string start_text(std::uint64_t at, SystemTime now) {
  const auto seconds =
      static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count());
  constexpr std::uint64_t day = 86'400;
  // As in ps: the time of day for today, the date for anything older.
  const std::string stamp = format_rfc3339_seconds(SystemTime(std::chrono::seconds(at)));
  return at + day > seconds ? stamp.substr(11, 5) : stamp.substr(5, 5);
}

Process process_of(const StatFields& stat, std::uint64_t booted, SystemTime now) {
  const std::uint64_t ticks = stat.number(user_ticks_field).value_or(0) + stat.number(system_ticks_field).value_or(0);
  Process made;
  made.pid = stat.pid;
  made.parent = std::to_string(stat.parent());
  made.time = clock(ticks / ticks_per_second);
  made.start = start_text(booted + stat.started() / ticks_per_second, now);
  made.command = stat.name;
  return made;
}

}  // namespace

std::string_view script_of_processes() {
  return look_at_proc;
}

std::vector<Process> parse_processes(std::string_view text, SystemTime now) {
  std::vector<Process> all;
  std::uint64_t booted = 0;
  std::string self;
  bool known = false;  // the last "S" was a valid process
  for (const std::string& line : split(text, '\n')) {
    if (line.size() < 2) continue;
    const std::string rest = line.substr(2);
    switch (line[0]) {
      case 'P':
        self = rest;
        break;
      case 'B':
        booted = parse_unsigned(rest).value_or(0);
        break;
      case 'S': {
        const auto stat = stat_fields(rest);
        known = stat.has_value();
        if (known) all.push_back(process_of(*stat, booted, now));
        break;
      }
      case 'U':
        if (known) all.back().user = rest == "0" ? "root" : rest;
        break;
      case 'C':
        if (known && !trim(rest).empty()) all.back().command = trim(rest);
        break;
      default:
        break;
    }
  }
  std::erase_if(all, [&](const Process& each) { return each.pid == self || each.parent == self; });
  return all;
}

Result<std::vector<Process>> processes(Session& session, const PodState& pod) {
  const std::string text =
      TRY_WRAP(exec_capture(session, pod, {"sh", "-c", look_at_proc}), "look at the processes of pod " + pod.name);
  return parse_processes(text, system_now());
}

}  // namespace consort::kube
