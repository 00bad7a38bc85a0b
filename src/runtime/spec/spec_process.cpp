// config.json to Spec: the object "process", which `exec --process` also accepts on its own.
#include <sched.h>

#include <array>
#include <limits>

#include "base/json.hpp"
#include "runtime/defaults.hpp"
#include "runtime/spec.hpp"
#include "runtime/spec/spec_json.hpp"

namespace consort::runtime::internal {

namespace {

Result<std::uint64_t> parse_capability_set(const Json& object, std::string_view key) {
  std::uint64_t mask = 0;
  for (const std::string& name : get_strings(object, key)) {
    const auto number = capability_number(name);
    // A capability unknown to this kernel or this program cannot be granted; leaving it out is safe.
    if (number) mask |= std::uint64_t{1} << *number;
  }
  return mask;
}

Result<> parse_user(const Json& process, User& user) {
  const Json* object = find_key(process, "user");
  if (!object) return {};
  user.uid = TRY(unsigned_of<std::uint32_t>(*object, "uid", "process.user.uid")).value_or(0);
  user.gid = TRY(unsigned_of<std::uint32_t>(*object, "gid", "process.user.gid")).value_or(0);
  user.umask = TRY(unsigned_of<std::uint32_t>(*object, "umask", "process.user.umask"));
  for (const Json* gid : TRY(entries_of(*object, "additionalGids", "process.user.additionalGids"))) {
    if (!gid->is_number_unsigned() || gid->get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max())
      return malformed("process.user.additionalGids", "not a group's number");
    user.additional_gids.push_back(gid->get<std::uint32_t>());
  }
  return {};
}

Result<> parse_rlimits(const Json& process, std::vector<Rlimit>& limits) {
  for (const Json* entry : TRY(entries_of(process, "rlimits", "process.rlimits"))) {
    const std::string type = get_string(*entry, "type");
    const auto number = rlimit_number(type);
    if (!number) return malformed("process.rlimits", "unknown limit \"" + type + "\"");
    const auto soft = TRY(unsigned_of<std::uint64_t>(*entry, "soft", "process.rlimits.soft"));
    const auto hard = TRY(unsigned_of<std::uint64_t>(*entry, "hard", "process.rlimits.hard"));
    if (!soft || !hard) return malformed("process.rlimits", "soft and hard are required");
    for (const Rlimit& other : limits)
      if (other.resource == *number) return malformed("process.rlimits", "\"" + type + "\" appears twice");
    limits.push_back({*number, *soft, *hard});
  }
  return {};
}

struct Named {
  std::string_view name;
  std::uint64_t value;
};

// linux/sched.h and sched.h cannot both be included everywhere.
constexpr std::array<Named, 6> policies = {{{"SCHED_OTHER", SCHED_OTHER},
                                            {"SCHED_FIFO", SCHED_FIFO},
                                            {"SCHED_RR", SCHED_RR},
                                            {"SCHED_BATCH", SCHED_BATCH},
                                            {"SCHED_IDLE", SCHED_IDLE},
                                            {"SCHED_DEADLINE", 6}}};
constexpr std::array<Named, 7> scheduler_flags = {{{"SCHED_FLAG_RESET_ON_FORK", 0x01},
                                                   {"SCHED_FLAG_RECLAIM", 0x02},
                                                   {"SCHED_FLAG_DL_OVERRUN", 0x04},
                                                   {"SCHED_FLAG_KEEP_POLICY", 0x08},
                                                   {"SCHED_FLAG_KEEP_PARAMS", 0x10},
                                                   {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
                                                   {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40}}};
constexpr std::array<Named, 3> io_classes = {
    {{"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}}};

template <std::size_t N>
Result<std::uint64_t> value_of(const std::array<Named, N>& table, const std::string& name, std::string_view where) {
  for (const Named& entry : table)
    if (entry.name == name) return entry.value;
  return malformed(where, "unknown value \"" + name + "\"");
}

Result<> parse_scheduler(const Json& process, Process& into) {
  const Json* object = find_key(process, "scheduler");
  if (!object || object->is_null()) return {};
  constexpr std::string_view where = "process.scheduler";
  Scheduler scheduler;
  scheduler.policy = static_cast<std::uint32_t>(TRY(value_of(policies, get_string(*object, "policy"), where)));
  const auto nice = TRY(signed_of(*object, "nice", "process.scheduler.nice")).value_or(0);
  if (nice < -20 || nice > 19) return malformed("process.scheduler.nice", "not between -20 and 19");
  scheduler.nice = static_cast<std::int32_t>(nice);
  scheduler.priority = TRY(unsigned_of<std::uint32_t>(*object, "priority", "process.scheduler.priority")).value_or(0);
  for (const std::string& flag : get_strings(*object, "flags"))
    scheduler.flags |= TRY(value_of(scheduler_flags, flag, where));
  scheduler.runtime = TRY(unsigned_of<std::uint64_t>(*object, "runtime", where)).value_or(0);
  scheduler.deadline = TRY(unsigned_of<std::uint64_t>(*object, "deadline", where)).value_or(0);
  scheduler.period = TRY(unsigned_of<std::uint64_t>(*object, "period", where)).value_or(0);
  into.scheduler = scheduler;
  return {};
}

Result<> parse_io_priority(const Json& process, Process& into) {
  const Json* object = find_key(process, "ioPriority");
  if (!object || object->is_null()) return {};
  IoPriority io;
  io.level = static_cast<int>(TRY(value_of(io_classes, get_string(*object, "class"), "process.ioPriority.class")));
  const auto priority = TRY(signed_of(*object, "priority", "process.ioPriority.priority")).value_or(0);
  if (priority < 0 || priority > 7) return malformed("process.ioPriority.priority", "not between 0 and 7");
  io.priority = static_cast<int>(priority);
  into.io_priority = io;
  return {};
}

Result<> parse_capabilities(const Json& object, Process& process) {
  const Json* sets = find_key(object, "capabilities");
  if (!sets || !sets->is_object()) return {};
  Capabilities& all = process.capabilities.emplace();
  all.bounding = TRY(parse_capability_set(*sets, "bounding"));
  all.effective = TRY(parse_capability_set(*sets, "effective"));
  all.permitted = TRY(parse_capability_set(*sets, "permitted"));
  all.inheritable = TRY(parse_capability_set(*sets, "inheritable"));
  all.ambient = TRY(parse_capability_set(*sets, "ambient"));
  return {};
}

// The basic fields of a process, in order, with checks of their requirements.
Result<> parse_program(const Json& object, Process& process) {
  process.args = get_strings(object, "args");
  process.env = get_strings(object, "env");
  process.cwd = get_string(object, "cwd", "/");
  if (process.args.empty()) return malformed("process.args", "no command specified");
  if (!process.cwd.starts_with('/')) return malformed("process.cwd", "\"" + process.cwd + "\" is not an absolute path");
  TRY(check_strings(process.args, "process.args"));
  return check_strings(process.env, "process.env");
}

}  // namespace

Result<> check_strings(const std::vector<std::string>& strings, std::string_view where) {
  for (const std::string& text : strings)
    if (text.find('\0') != std::string::npos) return malformed(where, "a string holds a zero byte");
  return {};
}

Result<> parse_process(const Json& object, Process& process) {
  process.terminal = get_bool(object, "terminal");
  if (const Json* size = find_key(object, "consoleSize")) {
    process.console_height = static_cast<std::uint16_t>(get_int(*size, "height"));
    process.console_width = static_cast<std::uint16_t>(get_int(*size, "width"));
  }
  TRY(parse_user(object, process.user));
  TRY(parse_program(object, process));
  TRY(parse_rlimits(object, process.rlimits));
  process.no_new_privileges = get_bool(object, "noNewPrivileges");
  if (const auto score = TRY(signed_of(object, "oomScoreAdj", "process.oomScoreAdj"))) {
    if (*score < -1000 || *score > 1000) return malformed("process.oomScoreAdj", "not between -1000 and 1000");
    process.oom_score_adj = static_cast<int>(*score);
  }
  TRY(parse_capabilities(object, process));
  TRY(parse_scheduler(object, process));
  TRY(parse_io_priority(object, process));
  if (const Json* affinity = find_key(object, "execCPUAffinity")) {
    process.initial_affinity = get_string(*affinity, "initial");
    process.final_affinity = get_string(*affinity, "final");
  }
  process.apparmor_profile = get_string(object, "apparmorProfile");
  process.selinux_label = get_string(object, "selinuxLabel");
  return check_strings({process.apparmor_profile, process.selinux_label}, "process");
}

}  // namespace consort::runtime::internal
