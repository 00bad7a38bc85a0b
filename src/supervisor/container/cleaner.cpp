#include "supervisor/container/cleaner.hpp"

#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/os/processes/process.hpp"
#include "runtime/cgroup.hpp"
#include "supervisor/loop/context.hpp"

namespace consort::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Killed processes are gone within milliseconds, unless they wait for a disk that does not respond.
constexpr milliseconds first_pause{5};
constexpr milliseconds longest_pause{100};
constexpr std::chrono::seconds group_patience{4};

// Runs in a fork of a single-threaded program. All other inherited descriptors (ports, namespaces, sockets) must be
// closed first. turn reaches end-of-file once the parent has closed its own copies, so that ours is the last.
[[noreturn]] void wait_for_the_disk(int root, int turn) {
  ::prctl(PR_SET_NAME, "consort-unmount");
  ::dup2(turn, 0);
  ::dup2(root, 1);
  ::syscall(SYS_close_range, 2u, ~0u, 0u);
  char byte;
  while (::read(0, &byte, 1) < 0 && errno == EINTR) {
  }
  ::close(1);
  ::_exit(0);
}

void unblock_signals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

Cleaner::~Cleaner() {
  for (const auto& [id, job] : jobs_) {
    loop_.remove(job.watch);
    loop_.cancel(job.timer);
  }
}

void Cleaner::watch_process(const std::string& container_id, Kind kind, pid_t pid) {
  Job job;
  job.kind = kind;
  job.number = next_++;
  job.pid = pid;
  auto pidfd = open_pidfd(pid);
  if (!pidfd) return;  // without descriptors its end cannot be observed; its next parent reaps it
  const auto watch = loop_.add(pidfd->get(), EPOLLIN, [this, container_id, number = job.number](std::uint32_t) {
    const auto found = find(container_id, number);
    if (found == jobs_.end()) return;
    while (::waitpid(found->second.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    end(found);
  });
  if (!watch) return;
  job.watch = *watch;
  job.pidfd = std::move(*pidfd);
  jobs_.emplace(container_id, std::move(job));
}

void Cleaner::unmount(const std::string& container_id, Fd root) {
  if (!root) return;
  auto turn = make_pipe();
  const pid_t pid = turn ? ::fork() : -1;
  if (pid < 0) return;  // then wait for the disk ourselves
  if (pid == 0) wait_for_the_disk(root.get(), turn->read.get());
  root.reset();
  turn->write.reset();
  watch_process(container_id, Kind::unmount, pid);
}

void Cleaner::run(const std::string& container_id, Fd kept, Work work) {
  const pid_t pid = ::fork();
  if (pid < 0) return work(kept ? kept.get() : -1);  // do it here: late is better than never
  if (pid == 0) {
    constexpr int place = 3;
    ::prctl(PR_SET_NAME, "consort-clean");
    if (kept) ::dup2(kept.get(), place);
    ::syscall(SYS_close_range, kept ? place + 1u : place + 0u, ~0u, 0u);
    unblock_signals();
    work(kept ? place : -1);
    ::_exit(0);
  }
  watch_process(container_id, Kind::process, pid);
}

void Cleaner::reap(const std::string& container_id, pid_t pid) {
  watch_process(container_id, Kind::process, pid);
}

void Cleaner::remove_group(const std::string& container_id, const std::string& path) {
  const auto removed = runtime::Cgroup::open(path).try_remove();
  if (!removed) return log_line(removed.error().message());
  if (*removed == runtime::GroupRemoval::done) return;
  Job job;
  job.kind = Kind::group;
  job.number = next_++;
  job.group = path;
  job.deadline = steady_clock::now() + group_patience;
  job.pause = first_pause;
  job.timer = loop_.after(job.pause, [this, container_id, number = job.number] { try_group(container_id, number); });
  jobs_.emplace(container_id, std::move(job));
}

void Cleaner::try_group(const std::string& container_id, std::uint64_t number) {
  const auto found = find(container_id, number);
  if (found == jobs_.end()) return;
  Job& job = found->second;
  job.timer = 0;
  const auto removed = runtime::Cgroup::open(job.group).try_remove();
  if (!removed) log_line(removed.error().message());
  if (!removed || *removed == runtime::GroupRemoval::done) return end(found);
  if (steady_clock::now() >= job.deadline) {
    log_line("remove cgroup " + job.group + ": some of its processes cannot be killed right now");
    return end(found);
  }
  job.pause = std::min(job.pause * 2, longest_pause);
  job.timer = loop_.after(job.pause, [this, container_id, number] { try_group(container_id, number); });
}

Cleaner::Jobs::iterator Cleaner::find(const std::string& container_id, std::uint64_t number) {
  auto [at, end] = jobs_.equal_range(container_id);
  while (at != end && at->second.number != number) ++at;
  return at == end ? jobs_.end() : at;
}

void Cleaner::end(Jobs::iterator job) {
  loop_.remove(job->second.watch);
  auto node = jobs_.extract(job);
  for (Done& done : node.mapped().waiters) done();
  if (on_end) on_end();
}

void Cleaner::when_done(const std::string& container_id, Done done) {
  const auto found = jobs_.find(container_id);
  if (found == jobs_.end()) return done();
  found->second.waiters.push_back([this, container_id, done = std::move(done)]() mutable {
    when_done(container_id, std::move(done));  // repeat until none is left
  });
}

bool Cleaner::must_go_on() const {
  return std::ranges::any_of(jobs_, [](const auto& entry) { return entry.second.kind != Kind::unmount; });
}

}  // namespace consort::supervisor
