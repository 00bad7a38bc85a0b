// Options that only foreign bundles use: see foreign.hpp.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "runtime/foreign.hpp"
#include "runtime/launch/prepare.hpp"

namespace consort::runtime::internal {

namespace {

constexpr std::size_t most_processors = 8192;  // NR_CPUS of the largest kernels

bool joins_users(const Prepared& plan) {
  return std::ranges::find(plan.join_kinds, CLONE_NEWUSER) != plan.join_kinds.end();
}

Result<> check_preserved(int count) {
  for (int fd = 3; fd < 3 + count; ++fd)
    if (::fcntl(fd, F_GETFD) < 0)
      return fail(Error(Code::invalid, "preserve descriptor").on(std::to_string(fd)).why("it is not open"));
  return {};
}

// Checks that the security modules report themselves as active.
Result<> check_labels(const Process& process) {
  const auto apparmor = read_file("/sys/module/apparmor/parameters/enabled", 16);
  if (!process.apparmor_profile.empty() && process.apparmor_profile != "unconfined" &&
      (!apparmor || !apparmor->starts_with('Y')))
    return fail(Error(Code::unsupported, "apply AppArmor profile")
                    .on("\"" + process.apparmor_profile + "\"")
                    .why("AppArmor is not enabled on this host"));
  if (!process.selinux_label.empty() && !path_exists("/sys/fs/selinux/enforce"))
    return fail(Error(Code::unsupported, "apply SELinux label")
                    .on("\"" + process.selinux_label + "\"")
                    .why("SELinux is disabled or not supported on this host"));
  return {};
}

// Whether the process is in another namespace of that kind than we are; without kernel support, all share one.
bool differs(pid_t pid, const std::string& kind) {
  const Result<struct stat> theirs = stat_path("/proc/" + std::to_string(pid) + "/ns/" + kind);
  const Result<struct stat> ours = stat_path("/proc/self/ns/" + kind);
  return theirs && ours && theirs->st_ino != ours->st_ino;
}

std::string offsets_text(const std::vector<ClockOffset>& offsets) {
  std::string text;
  for (const ClockOffset& offset : offsets)
    text += offset.clock + " " + std::to_string(offset.seconds) + " " + std::to_string(offset.nanoseconds) + "\n";
  return text;
}

// Names belong to a uts namespace, which must not be the host's.
Result<> prepare_names(const Spec& spec, Prepared& plan) {
  if (spec.hostname.empty() && spec.domainname.empty()) return {};
  if (!spec.find_namespace(NamespaceKind::uts))
    return fail(Error(Code::invalid, "set hostname").why("without a uts namespace it would be the host's"));
  plan.hostname = spec.hostname;
  plan.domainname = spec.domainname;
  return {};
}

}  // namespace

Result<std::vector<unsigned char>> processor_set(const std::string& text) {
  std::vector<unsigned char> set;
  if (text.empty()) return set;
  set.resize(most_processors / 8);
  for (const std::string& part : split(text, ',')) {
    const std::size_t dash = part.find('-');
    const auto first = parse_unsigned(trim(part.substr(0, dash)));
    const auto last = dash == std::string::npos ? first : parse_unsigned(trim(part.substr(dash + 1)));
    if (!first || !last || *first > *last || *last >= most_processors)
      return fail(Error(Code::invalid, "set processors").on("\"" + text + "\"").why("not a list like 0-3,7"));
    for (std::uint64_t i = *first; i <= *last; ++i) set[i / 8] |= static_cast<unsigned char>(1U << (i % 8));
  }
  return set;
}

Result<> prepare_foreign_process(const Process& process, Prepared& plan) {
  ForeignPlan& foreign = plan.foreign;
  foreign.to_the_letter = true;
  TRY(check_labels(process));
  if (!process.apparmor_profile.empty() && process.apparmor_profile != "unconfined")
    foreign.apparmor = "exec " + process.apparmor_profile;
  foreign.selinux = process.selinux_label;
  foreign.scheduler = process.scheduler;
  foreign.io_priority = process.io_priority;
  if (!process.oom_score_adj) plan.oom_score_adj.clear();
  return {};
}

Result<> prepare_foreign_exec(const Process& process, const ExecOptions& options, Fd& root, Prepared& plan) {
  TRY(prepare_foreign_process(process, plan));
  TRY(check_preserved(options.foreign->preserved));
  plan.foreign.preserved = options.foreign->preserved;
  plan.foreign.first_processors = TRY(processor_set(process.initial_affinity));
  plan.foreign.processors = TRY(processor_set(process.final_affinity));
  plan.foreign.filter_flags = options.foreign->filter_flags;
  plan.foreign.listens = static_cast<bool>(options.foreign->listener);
  plan.foreign.personality = options.foreign->personality;
  // A container in our mount namespace still has its own root.
  if (!differs(options.pid, "mnt")) plan.root = std::move(root);
  if (differs(options.pid, "time")) plan.join_flags |= CLONE_NEWTIME;
  return {};
}

Result<> prepare_foreign(const Spec& spec, const LaunchOptions& options, Prepared& plan) {
  const ForeignBundle& wanted = *options.foreign;
  ForeignPlan& foreign = plan.foreign;
  TRY(prepare_foreign_process(spec.process, plan));
  TRY(check_preserved(wanted.preserved));
  foreign.has_program = spec.has_process;
  foreign.gate = wanted.gate;
  foreign.answer = wanted.answer;
  foreign.pauses = static_cast<bool>(wanted.before_pivot);
  foreign.listens = static_cast<bool>(wanted.listener);
  foreign.filter_flags = wanted.filter_flags;
  foreign.preserved = wanted.preserved;
  foreign.no_pivot = wanted.no_pivot;
  foreign.chroot = !spec.find_namespace(NamespaceKind::mount);
  plan.nested = joins_users(plan);
  foreign.clock_offsets = offsets_text(spec.linux_.clock_offsets);
  if (!foreign.clock_offsets.empty() && !foreign.unshare_time)
    return fail(Error(Code::invalid, "linux.timeOffsets").why("they need a new time namespace"));
  foreign.personality = spec.linux_.personality;
  TRY(prepare_names(spec, plan));
  // The bundle's location must stay visible: the container's hooks run before the change of root.
  plan.attach_path = join_path(options.bundle, spec.root_path);
  return {};
}

}  // namespace consort::runtime::internal
