// The processes of a cgroup: freezing, listing and killing them.
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"
#include "runtime/cgroup/cgroup_files.hpp"

namespace consort::runtime {

using internal::groups_below;
using internal::keyed_value;
using internal::pause_briefly;
using internal::read_value;
using internal::write_value;

namespace {

Error no_freezer() {
  Error error(Code::unsupported, "pause");
  if (!in_user_namespace()) return std::move(error).why("no freezer in this kernel's cgroups");
  return std::move(error)
      .why("you have no control groups here")
      .hint("systemd delegates them to users on machines with cgroup v2; `consort doctor` says more");
}

}  // namespace

Result<> Cgroup::begin_freeze() const {
  if (const Impl::Part* unified = impl_->unified()) return write_value(unified->directory + "/cgroup.freeze", "1");
  if (const Impl::Part* freezer = impl_->part_with("freezer"))
    return write_value(freezer->directory + "/freezer.state", "FROZEN");
  return fail(no_freezer());
}

Result<bool> Cgroup::is_frozen() const {
  if (const Impl::Part* unified = impl_->unified())
    return keyed_value(read_value(unified->directory + "/cgroup.events"), "frozen") == 1;
  if (const Impl::Part* freezer = impl_->part_with("freezer"))
    return trim(read_value(freezer->directory + "/freezer.state")) == "FROZEN";
  return fail(no_freezer());
}

Result<> Cgroup::freeze() const {
  TRY(begin_freeze());
  for (int i = 0; i < internal::patience_steps; ++i) {
    if (TRY(is_frozen())) return {};
    pause_briefly();
  }
  return fail(Error(Code::busy, "pause").on(impl_->path).why(cannot_be_paused));
}

Result<> Cgroup::thaw() const {
  if (const Impl::Part* unified = impl_->unified()) return write_value(unified->directory + "/cgroup.freeze", "0");
  if (const Impl::Part* freezer = impl_->part_with("freezer"))
    return write_value(freezer->directory + "/freezer.state", "THAWED");
  return {};
}

namespace {

Result<> add_pids(const std::string& directory, std::vector<pid_t>& found) {
  Result<std::string> text = read_file(directory + "/cgroup.procs");
  if (!text) {
    const int number = text.error().sys_errno();
    if (number == ENOENT || number == ENODEV) return {};
    return fail(std::move(text).error());
  }
  for (const std::string& line : split(*text, '\n'))
    if (const auto pid = parse_signed(line); pid && *pid > 0) found.push_back(static_cast<pid_t>(*pid));
  for (const std::string& below : groups_below(directory)) TRY(add_pids(below, found));
  return {};
}

}  // namespace

Result<std::vector<pid_t>> Cgroup::pids() const {
  std::vector<pid_t> found;
  const Impl::Part* part = impl_->unified();
  if (!part && !impl_->parts.empty()) part = &impl_->parts.front();
  if (!part) return found;
  TRY(add_pids(part->directory, found));
  std::ranges::sort(found);
  return found;
}

namespace {

// The pid of a process that has just ended may be somebody else's by now. A process opened by pid and then found in the
// cgroup belongs to it, or has ended.
Result<> kill_each(const Cgroup& group) {
  std::map<pid_t, Fd> opened;
  for (const pid_t pid : TRY(group.pids()))
    if (auto process = open_pidfd(pid)) opened.emplace(pid, std::move(*process));
  for (const pid_t pid : TRY(group.pids()))
    if (const auto process = opened.find(pid); process != opened.end())
      (void)send_signal(process->second.get(), SIGKILL);
  return {};
}

}  // namespace

Result<> Cgroup::kill_all() const {
  if (const Impl::Part* unified = impl_->unified()) {
    const Result<> killed = write_value(unified->directory + "/cgroup.kill", "1");  // 5.14
    if (killed) return {};
    if (const int number = killed.error().sys_errno(); number == ENODEV) return {};
  }
  // Frozen processes cannot fork away from the list; they die when thawed.
  const bool frozen = begin_freeze().has_value();
  Result<> killed = kill_each(*this);
  if (frozen) TRY(thaw());
  return killed;
}

}  // namespace consort::runtime
