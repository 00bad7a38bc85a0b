// Capabilities, rlimits and signals by name. The tables are the kernel's (capability.h, resource.h, signal.h).
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>

#include "base/strings.hpp"
#include "runtime/defaults.hpp"

namespace consort::runtime {

namespace {

constexpr std::array<std::string_view, 41> capability_table = {"CHOWN",
                                                               "DAC_OVERRIDE",
                                                               "DAC_READ_SEARCH",
                                                               "FOWNER",
                                                               "FSETID",
                                                               "KILL",
                                                               "SETGID",
                                                               "SETUID",
                                                               "SETPCAP",
                                                               "LINUX_IMMUTABLE",
                                                               "NET_BIND_SERVICE",
                                                               "NET_BROADCAST",
                                                               "NET_ADMIN",
                                                               "NET_RAW",
                                                               "IPC_LOCK",
                                                               "IPC_OWNER",
                                                               "SYS_MODULE",
                                                               "SYS_RAWIO",
                                                               "SYS_CHROOT",
                                                               "SYS_PTRACE",
                                                               "SYS_PACCT",
                                                               "SYS_ADMIN",
                                                               "SYS_BOOT",
                                                               "SYS_NICE",
                                                               "SYS_RESOURCE",
                                                               "SYS_TIME",
                                                               "SYS_TTY_CONFIG",
                                                               "MKNOD",
                                                               "LEASE",
                                                               "AUDIT_WRITE",
                                                               "AUDIT_CONTROL",
                                                               "SETFCAP",
                                                               "MAC_OVERRIDE",
                                                               "MAC_ADMIN",
                                                               "SYSLOG",
                                                               "WAKE_ALARM",
                                                               "BLOCK_SUSPEND",
                                                               "AUDIT_READ",
                                                               "PERFMON",
                                                               "BPF",
                                                               "CHECKPOINT_RESTORE"};

struct Named {
  std::string_view name;
  int number;
};

constexpr std::array<Named, 16> rlimit_table = {{{"AS", RLIMIT_AS},
                                                 {"CORE", RLIMIT_CORE},
                                                 {"CPU", RLIMIT_CPU},
                                                 {"DATA", RLIMIT_DATA},
                                                 {"FSIZE", RLIMIT_FSIZE},
                                                 {"LOCKS", RLIMIT_LOCKS},
                                                 {"MEMLOCK", RLIMIT_MEMLOCK},
                                                 {"MSGQUEUE", RLIMIT_MSGQUEUE},
                                                 {"NICE", RLIMIT_NICE},
                                                 {"NOFILE", RLIMIT_NOFILE},
                                                 {"NPROC", RLIMIT_NPROC},
                                                 {"RSS", RLIMIT_RSS},
                                                 {"RTPRIO", RLIMIT_RTPRIO},
                                                 {"RTTIME", RLIMIT_RTTIME},
                                                 {"SIGPENDING", RLIMIT_SIGPENDING},
                                                 {"STACK", RLIMIT_STACK}}};

constexpr std::array<Named, 36> signal_table = {
    {{"HUP", SIGHUP},       {"INT", SIGINT},   {"QUIT", SIGQUIT},   {"ILL", SIGILL},   {"TRAP", SIGTRAP},
     {"ABRT", SIGABRT},     {"BUS", SIGBUS},   {"FPE", SIGFPE},     {"KILL", SIGKILL}, {"USR1", SIGUSR1},
     {"SEGV", SIGSEGV},     {"USR2", SIGUSR2}, {"PIPE", SIGPIPE},   {"ALRM", SIGALRM}, {"TERM", SIGTERM},
     {"STKFLT", 16},        {"CHLD", SIGCHLD}, {"CONT", SIGCONT},   {"STOP", SIGSTOP}, {"TSTP", SIGTSTP},
     {"TTIN", SIGTTIN},     {"TTOU", SIGTTOU}, {"URG", SIGURG},     {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
     {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"WINCH", SIGWINCH}, {"IO", SIGIO},     {"PWR", SIGPWR},
     {"SYS", SIGSYS},       {"IOT", SIGABRT},  {"POLL", SIGIO},     {"CLD", SIGCHLD},  {"RTMIN", 34},
     {"RTMAX", 64}}};

// The first real-time signal that programs see (glibc reserves 32 and 33), to which the names in Docker's files refer.
constexpr int first_realtime = 34;
constexpr int last_realtime = 64;

std::string without_prefix(std::string_view name, std::string_view prefix) {
  std::string upper = to_upper(name);
  if (upper.starts_with(prefix)) upper.erase(0, prefix.size());
  return upper;
}

}  // namespace

std::uint64_t all_capabilities() {
  std::uint64_t mask = 0;
  for (unsigned bit = 0; bit < 64; ++bit) {
    const int has = ::prctl(PR_CAPBSET_READ, bit);
    if (has < 0) break;
    if (has) mask |= std::uint64_t{1} << bit;
  }
  return mask;
}

std::optional<int> capability_number(std::string_view name) {
  const std::string wanted = without_prefix(name, "CAP_");
  for (std::size_t i = 0; i < capability_table.size(); ++i)
    if (capability_table[i] == wanted) return static_cast<int>(i);
  return std::nullopt;
}

std::string capability_name(int number) {
  if (number < 0 || static_cast<std::size_t>(number) >= capability_table.size()) return "CAP_" + std::to_string(number);
  return "CAP_" + std::string(capability_table[static_cast<std::size_t>(number)]);
}

std::vector<std::string> capability_names(std::uint64_t mask) {
  std::vector<std::string> names;
  for (std::size_t bit = 0; bit < capability_table.size(); ++bit)
    if (mask >> bit & 1) names.push_back(capability_name(static_cast<int>(bit)));
  return names;
}

namespace {

Result<std::uint64_t> mask_of(const std::vector<std::string>& names, std::string_view list, bool& all) {
  std::uint64_t mask = 0;
  for (const std::string& name : names) {
    if (without_prefix(name, "CAP_") == "ALL") {
      all = true;
      continue;
    }
    const std::optional<int> number = capability_number(name);
    if (!number) {
      std::string shown = to_upper(name);
      if (!shown.starts_with("CAP_")) shown = "CAP_" + shown;
      return fail(Error(Code::invalid, "invalid " + std::string(list))
                      .why("unknown capability: \"" + shown + "\"")
                      .about(Subject::setting, (list == "CapAdd" ? "cap_add/" : "cap_drop/") + name));
    }
    mask |= std::uint64_t{1} << *number;
  }
  return mask;
}

}  // namespace

Result<std::uint64_t> apply_capability_changes(std::uint64_t base, const std::vector<std::string>& add,
                                               const std::vector<std::string>& drop) {
  bool add_all = false;
  bool drop_all = false;
  const std::uint64_t added = TRY(mask_of(add, "CapAdd", add_all));
  const std::uint64_t dropped = TRY(mask_of(drop, "CapDrop", drop_all));
  if (add_all) return all_capabilities() & ~dropped;
  if (drop_all) return added;
  return (base & ~dropped) | added;
}

std::optional<int> rlimit_number(std::string_view name) {
  const std::string wanted = without_prefix(name, "RLIMIT_");
  for (const Named& entry : rlimit_table)
    if (entry.name == wanted) return entry.number;
  return std::nullopt;
}

std::string rlimit_name(int number) {
  const auto entry = std::ranges::find(rlimit_table, number, &Named::number);
  return entry == rlimit_table.end() ? std::to_string(number) : to_lower(entry->name);
}

std::optional<int> signal_number(std::string_view name) {
  if (const auto number = parse_unsigned(name)) {
    if (*number < 1 || *number > last_realtime) return std::nullopt;
    return static_cast<int>(*number);
  }
  const std::string wanted = without_prefix(name, "SIG");
  for (const Named& entry : signal_table)
    if (entry.name == wanted) return entry.number;
  const bool from_first = wanted.starts_with("RTMIN+");
  if (!from_first && !wanted.starts_with("RTMAX-")) return std::nullopt;
  const auto offset = parse_unsigned(std::string_view(wanted).substr(6));
  if (!offset || *offset > last_realtime - first_realtime) return std::nullopt;
  const int distance = static_cast<int>(*offset);
  return from_first ? first_realtime + distance : last_realtime - distance;
}

}  // namespace consort::runtime
