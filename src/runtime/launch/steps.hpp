// What the child does between clone3 and execve, as lists of steps. A report of failure names the step. Everything here
// is async-signal-safe: system calls on prepared data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/launch/prepared.hpp"

namespace consort::runtime::internal {

// The child's name until execve. (Its command line is that of the program that started it.)
inline constexpr char setting_up_name[] = "consort:set-up";

enum class StepId : std::uint8_t {
  guard,
  labels,
  nest,
  first_processors,
  oom_score,
  cgroups,
  pid_namespace,
  map_users,
  join_namespaces,
  cgroup_namespace,
  time_namespace,
  session,
  loopback,
  names,
  propagation,
  attach_root,
  mounts,
  devices,
  console,
  sysctls,
  hooks,
  pivot,
  readonly_paths,
  masked_paths,
  root_readonly,
  working_directory,
  stdio,
  rlimits,
  scheduling,
  early_filter,
  user,
  capabilities,
  parent_death,
  late_filter,
  find_program,
  ready,
  step_inside,
  exec,
  external,  // not a step: an error from an external runtime
};

inline constexpr int stdio_null = 4;  // argument of StepId::stdio: it was /dev/null

struct Outcome {
  int error = 0;     // errno; 0 is success
  int argument = 0;  // identifies the step's object: an index, or as the step defines it
};

// Replaces errno for the step "mounts": the target is /proc or inside it (on_proc), and the source is not allowed
// there.
inline constexpr int covers_proc = 10001;

struct Child {
  const Prepared& plan;
  int sync;
  int root = -1;
  int slave = -1;
  int master = -1;
  int program = -1;       // index into candidates
  bool by_write = false;  // sync is no longer a socket, or a filter may not allow sendmsg
};

struct Step {
  StepId id;
  const char* name;  // "mount", as shown to the user
  Outcome (*run)(Child&);
};

std::span<const Step> container_steps();
std::span<const Step> exec_steps();

// Messages from child to parent, one message of a SOCK_SEQPACKET socket each. From parent to child, any byte means
// "continue".
// `moved`: from now on the container's process is the one in `argument` and the pidfd. `time_me`: the parent must write
// the offsets of its clocks. `hooks`: it waits for hooks to run. `console`: the descriptor is the pty's master.
// `listener`: `argument` is a descriptor number in the child.
enum class ReportKind : std::uint32_t {
  failed = 1,
  ready,
  executing,
  map_me,
  moved,
  time_me,
  hooks,
  console,
  listener
};
struct Report {
  ReportKind kind;
  std::uint32_t step;  // StepId
  std::int32_t error;
  std::int32_t argument;
  // For `external`, the text follows.
};
inline constexpr std::size_t max_report_text = 2048;
// Sends a descriptor too, unless it is -1. Async-signal-safe. False: nobody receives it; errno says why.
bool send_report(int socket, const Report& report, std::string_view text = {}, int descriptor = -1);

// The same over the channel that the child can still use.
bool tell(const Child& child, const Report& report);
bool hear_go(const Child& child);

[[noreturn]] void run_child(const Prepared& plan, std::span<const Step> steps, int sync);

}  // namespace consort::runtime::internal
