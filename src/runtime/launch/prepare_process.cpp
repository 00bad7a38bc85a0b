// Namespaces, cgroup, user, program and streams of a process, prepared for the child.
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ranges>
#include <set>

#include "base/os/files/file.hpp"
#include "base/os/processes/container_users.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"
#include "runtime/defaults.hpp"
#include "runtime/exe_seal.hpp"
#include "runtime/launch/prepare.hpp"
#include "runtime/user.hpp"

namespace consort::runtime::internal {

namespace {

constexpr std::string_view default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t max_filter_instructions = 4096;  // BPF_MAXINSNS
constexpr int first_free_fd = 10;                      // away from 0 to 2, which the child replaces

int clone_flag(NamespaceKind kind) {
  switch (kind) {
    case NamespaceKind::mount:
      return CLONE_NEWNS;
    case NamespaceKind::pid:
      return CLONE_NEWPID;
    case NamespaceKind::network:
      return CLONE_NEWNET;
    case NamespaceKind::ipc:
      return CLONE_NEWIPC;
    case NamespaceKind::uts:
      return CLONE_NEWUTS;
    case NamespaceKind::cgroup:
      return CLONE_NEWCGROUP;
    case NamespaceKind::user:
      return CLONE_NEWUSER;
    case NamespaceKind::time:
      return CLONE_NEWTIME;
  }
  return 0;
}

Result<Fd> duplicate_high(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, first_free_fd);
  if (copy < 0) return fail_errno("duplicate descriptor", std::to_string(fd));
  return Fd(copy);
}

Result<> join(Prepared& plan, NamespaceKind kind, const std::string& path) {
  plan.join.push_back(TRY_WRAP(open_file(path, O_RDONLY), "join namespace"));
  plan.join_kinds.push_back(clone_flag(kind));
  return {};
}

std::string_view value_of(const std::vector<std::string>& environment, std::string_view key) {
  for (const std::string& entry : environment)
    if (entry.size() > key.size() && entry.starts_with(key) && entry[key.size()] == '=')
      return std::string_view(entry).substr(key.size() + 1);
  return {};
}

bool has_key(const std::vector<std::string>& environment, std::string_view key) {
  return std::ranges::any_of(environment, [key](const std::string& entry) {
    return entry.starts_with(key) && entry.size() > key.size() && entry[key.size()] == '=';
  });
}

// Of duplicate variables the last one counts, and an empty HOME counts as unset: as in runc, regardless of how a
// program would look them up.
std::vector<std::string> settled(const std::vector<std::string>& given) {
  std::vector<std::string> kept;
  std::set<std::string_view> known;
  for (const std::string& entry : std::views::reverse(given)) {
    const bool last = known.insert(std::string_view(entry).substr(0, entry.find('='))).second;
    if (last && entry != "HOME=") kept.push_back(entry);
  }
  std::ranges::reverse(kept);
  return kept;
}

void find_candidates(Prepared& plan) {
  const std::string& name = plan.argument_text[0];
  if (name.find('/') != std::string::npos) {
    plan.candidates.push_back(name);
    return;
  }
  plan.searched_path = true;
  const std::vector<std::string>& environment = plan.environment_text;
  const bool has_path = has_key(environment, "PATH");
  const std::string_view path = has_path ? value_of(environment, "PATH") : default_path;
  for (const std::string& directory : split(path, ':'))
    if (!directory.empty()) plan.candidates.push_back(directory + "/" + name);
}

void point_at(std::vector<std::string>& texts, std::vector<char*>& pointers) {
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
}

// As in Docker, a process that is not root has its bounding set and nothing else. If the user is given by name, this is
// known only now.
void drop_for_user(Capabilities& sets) {
  sets.effective = sets.permitted = sets.inheritable = sets.ambient = 0;
}

// For one of our containers with its own users, whose network was created for it or belongs to another: the owning user
// namespace already exists.
Result<> join_owner_of_network(const LaunchOptions& options, Prepared& plan) {
  Fd owner = TRY(owner_of_namespace(options.netns_fd));
  if (!owner) return {};
  plan.clone_flags &= ~static_cast<std::uint64_t>(CLONE_NEWUSER);
  plan.join.push_back(std::move(owner));
  plan.join_kinds.push_back(CLONE_NEWUSER);
  plan.nested = true;
  return {};
}

}  // namespace

Result<> prepare_namespaces(const Spec& spec, const LaunchOptions& options, Prepared& plan) {
  const Namespace* mount = spec.find_namespace(NamespaceKind::mount);
  if (!options.foreign && (!mount || !mount->path.empty()))
    return fail(Error(Code::unsupported, "create container").why("a mount namespace of its own is required"));
  for (const Namespace& ns : spec.linux_.namespaces) {
    if (ns.kind == NamespaceKind::network && options.netns_fd >= 0) continue;
    if (ns.kind == NamespaceKind::cgroup && ns.path.empty()) {
      plan.unshare_cgroup = true;  // after the child has joined its cgroup, which becomes the namespace's root
    } else if (ns.kind == NamespaceKind::time && ns.path.empty()) {
      plan.foreign.unshare_time = true;
    } else if (ns.kind == NamespaceKind::pid && !ns.path.empty()) {
      plan.pid_namespace = TRY_WRAP(open_file(ns.path, O_RDONLY), "join pid namespace");
    } else if (ns.path.empty()) {
      plan.clone_flags |= static_cast<std::uint64_t>(clone_flag(ns.kind));
    } else {
      TRY(join(plan, ns.kind, ns.path));
    }
  }
  if (options.netns_fd >= 0) {
    plan.join.push_back(TRY(duplicate_high(options.netns_fd)));
    plan.join_kinds.push_back(CLONE_NEWNET);
    if (!options.foreign && plan.clone_flags & CLONE_NEWUSER) TRY(join_owner_of_network(options, plan));
  }
  plan.map_users = plan.clone_flags & CLONE_NEWUSER;
  plan.loopback_up = plan.clone_flags & CLONE_NEWNET;
  if (plan.clone_flags & CLONE_NEWUTS) {
    plan.hostname = spec.hostname;
    plan.domainname = spec.domainname;
  }
  return {};
}

Result<> prepare_process(const Process& process, int root, bool with_init, Prepared& plan) {
  const User& user = process.user;
  const bool by_name = !user.name.empty() || !user.group_names.empty();
  const std::string wanted = !user.name.empty() ? user.name : std::to_string(user.uid) + ":" + std::to_string(user.gid);
  plan.environment_text = settled(process.env);
  const bool needs_home = !has_key(plan.environment_text, "HOME");
  ResolvedUser resolved;
  if (by_name || needs_home) resolved = TRY(resolve_user(root, wanted, user.group_names));
  plan.uid = by_name ? resolved.uid : user.uid;
  plan.gid = by_name ? resolved.gid : user.gid;
  plan.groups.assign(user.additional_gids.begin(), user.additional_gids.end());
  if (by_name) plan.groups.insert(plan.groups.end(), resolved.groups.begin(), resolved.groups.end());
  // Its primary group is in the list, too: a file that denies the group must not be open to it through "others".
  if (std::ranges::find(plan.groups, plan.gid) == plan.groups.end()) plan.groups.push_back(plan.gid);
  plan.umask = user.umask.value_or(022);

  if (process.capabilities) {
    plan.set_capabilities = true;
    plan.capabilities = *process.capabilities;
    if (by_name && plan.uid != 0) drop_for_user(plan.capabilities);
    // Capabilities that this process cannot pass on cannot be given; runc leaves them out too.
    const std::uint64_t possible = all_capabilities();
    for (std::uint64_t* set : {&plan.capabilities.bounding, &plan.capabilities.effective, &plan.capabilities.permitted,
                               &plan.capabilities.inheritable, &plan.capabilities.ambient})
      *set &= possible;
    plan.last_capability = 0;
    while (plan.last_capability < 63 && possible >> (plan.last_capability + 1)) ++plan.last_capability;
  }
  plan.no_new_privileges = process.no_new_privileges;
  plan.lenient_limits = in_user_namespace();
  plan.set_groups = may_set_groups();
  plan.rlimits = process.rlimits;
  plan.oom_score_adj = std::to_string(process.oom_score_adj.value_or(0));
  plan.cwd = clean_path(process.cwd);
  plan.terminal = process.terminal;
  plan.rows = process.console_height;
  plan.columns = process.console_width;

  if (process.args.empty()) return fail(Code::invalid, "no command specified");
  if (with_init) plan.argument_text = {std::string(init_target), "--"};
  plan.argument_text.insert(plan.argument_text.end(), process.args.begin(), process.args.end());
  if (needs_home) plan.environment_text.push_back("HOME=" + resolved.home);
  find_candidates(plan);
  point_at(plan.argument_text, plan.argv);
  point_at(plan.environment_text, plan.environment);
  return {};
}

Result<> prepare_attendant(const std::string& program, Prepared& plan) {
  if (program.empty()) return {};
  plan.attendant = TRY(open_sealed(program));  // in the container, /proc/PID/exe refers to it
  for (std::string& candidate : plan.candidates) {
    std::vector<char*>& words = plan.attendant_argv.emplace_back();
    words = {plan.attendant_name.data(), plan.attendant_flag.data(), candidate.data()};
    words.insert(words.end(), plan.argv.begin(), plan.argv.end());  // including the terminating null
  }
  return {};
}

Result<> prepare_stdio(const StdioFds& stdio, Prepared& plan) {
  if (plan.terminal) return {};
  // A missing stream stays missing: it becomes the container's own /dev/null.
  if (stdio.in >= 0) plan.in = TRY(duplicate_high(stdio.in));
  if (stdio.out >= 0) plan.out = TRY(duplicate_high(stdio.out));
  if (stdio.err >= 0) plan.err = TRY(duplicate_high(stdio.err));
  return {};
}

void give_pipes(std::uint32_t root, Prepared& plan) {
  for (const Fd* fd : {&plan.in, &plan.out, &plan.err}) {
    struct stat st {};
    if (*fd && ::fstat(fd->get(), &st) == 0 && S_ISFIFO(st.st_mode))
      (void)!::fchown(fd->get(), root + plan.uid, static_cast<gid_t>(-1));
  }
}

Result<> prepare_filter(const std::string& path, Prepared& plan) {
  if (path.empty()) return {};
  const std::string bytes =
      TRY_WRAP(read_file(path, max_filter_instructions * sizeof(sock_filter)), "read seccomp filter");
  if (bytes.empty() || bytes.size() % sizeof(sock_filter) != 0)
    return fail(Error(Code::invalid, "read seccomp filter").on(path).why("not a compiled filter"));
  plan.filter.resize(bytes.size() / sizeof(sock_filter));
  std::copy_n(bytes.data(), bytes.size(), reinterpret_cast<char*>(plan.filter.data()));
  return {};
}

void keep_only_own(int sync, Prepared& plan) {
  plan.kept = {sync};
  const auto keep = [&plan](const Fd& fd) {
    if (fd) plan.kept.push_back(fd.get());
  };
  for (const auto* list : {&plan.cgroup_tasks, &plan.join})
    for (const Fd& fd : *list) keep(fd);
  for (const PreparedMount& mount : plan.mounts) keep(mount.tree);
  for (const Fd* fd : {&plan.pid_namespace, &plan.root, &plan.in, &plan.out, &plan.err, &plan.attendant}) keep(*fd);
  if (plan.join_pidfd >= 0) plan.kept.push_back(plan.join_pidfd);
  for (const int fd : {plan.foreign.gate, plan.foreign.answer})
    if (fd >= 0) plan.kept.push_back(fd);
  for (int fd = 3; fd < 3 + plan.foreign.preserved; ++fd) plan.kept.push_back(fd);
  std::ranges::sort(plan.kept);
}

Result<> prepare_cgroup(const Cgroup& cgroup, Prepared& plan) {
  plan.cgroup_tasks = TRY(cgroup.open_for_joining());
  plan.cgroup_directory = TRY(cgroup.open_for_clone());
  return {};
}

}  // namespace consort::runtime::internal
