// Processes of a container: what a shell in it can read of /proc, since not every image has `ps`.
#include <algorithm>
#include <cstdio>
#include <map>

#include "base/strings.hpp"
#include "kube/observe.hpp"
#include "kube/verbs.hpp"

namespace consort::kube {

namespace {

// "S" and a process's stat, "U" its user, "C" its words; "B" when the machine was started, "P" the script itself.
constexpr const char* look_at_proc = R"(echo "P $$"
while read -r k v; do [ "$k" = btime ] && echo "B $v"; done </proc/stat
for p in /proc/[0-9]*; do
  read -r s <"$p/stat" || continue
  echo "S $s"
  while read -r k v _; do [ "$k" = Uid: ] && echo "U $v"; done <"$p/status"
  printf 'C '; tr '\000\n' '  ' <"$p/cmdline"; echo
done 2>/dev/null
true)";

constexpr std::uint64_t ticks_per_second = 100;  // what Linux shows to programs, whatever it counts itself

// What stands behind the name of the program, which may hold anything but ends with the last bracket.
std::vector<std::string> fields_of(const std::string& stat, std::string& name) {
  const std::size_t open = stat.find('('), close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  name = stat.substr(open + 1, close - open - 1);
  return split(trim(std::string_view(stat).substr(close + 1)), ' ');
}

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
  // As ps has it: the time of today, the day of what is older.
  const std::string stamp = format_rfc3339_seconds(SystemTime(std::chrono::seconds(at)));
  return at + day > seconds ? stamp.substr(11, 5) : stamp.substr(5, 5);
}

}  // namespace

std::vector<Process> parse_processes(std::string_view text, SystemTime now) {
  std::vector<Process> all;
  std::uint64_t booted = 0;
  std::string self;
  bool known = false;  // the last "S" was a process
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
        Process made;
        const auto fields = fields_of(rest, made.command);
        // state, parent, ..., utime (11), stime (12), ..., start (19)
        known = fields.size() > 19;
        if (!known) break;
        made.pid = rest.substr(0, rest.find(' '));
        made.parent = fields[1];
        made.time =
            clock((parse_unsigned(fields[11]).value_or(0) + parse_unsigned(fields[12]).value_or(0)) / ticks_per_second);
        made.start = start_text(booted + parse_unsigned(fields[19]).value_or(0) / ticks_per_second, now);
        all.push_back(std::move(made));
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
