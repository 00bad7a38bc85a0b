#include "supervisor/container/unmounter.hpp"

#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/os/process.hpp"

namespace consort::supervisor {
namespace {

// A fork of a program with one thread. Everything else that it has a copy of (ports, namespaces, sockets) must go
// first.
// turn: at its end the parent has closed its own, so that ours is the last.
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

}  // namespace

Unmounter::~Unmounter() {
  for (const auto& [id, job] : jobs_) loop_.remove(job.watch);
}

void Unmounter::close(const std::string& container_id, Fd root) {
  if (!root) return;
  auto turn = make_pipe();
  const pid_t pid = turn ? ::fork() : -1;
  if (pid < 0) return;  // then we wait for the disk ourselves
  if (pid == 0) wait_for_the_disk(root.get(), turn->read.get());
  root.reset();
  turn->write.reset();
  Job job;
  job.pid = pid;
  auto pidfd = open_pidfd(pid);
  if (pidfd) {
    const auto watch =
        loop_.add(pidfd->get(), EPOLLIN, [this, container_id, pid](std::uint32_t) { on_end(container_id, pid); });
    if (watch) job.watch = *watch;
    job.pidfd = std::move(*pidfd);
  }
  // Without descriptors there is no news of its end; it is left to whoever inherits it.
  if (job.watch != 0) jobs_.emplace(container_id, std::move(job));
}

void Unmounter::when_done(const std::string& container_id, Done done) {
  const auto found = jobs_.find(container_id);
  if (found == jobs_.end()) return done();
  found->second.waiters.push_back(std::move(done));
}

void Unmounter::on_end(const std::string& container_id, pid_t pid) {
  auto [at, end] = jobs_.equal_range(container_id);
  while (at != end && at->second.pid != pid) ++at;
  if (at == end) return;
  loop_.remove(at->second.watch);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  auto node = jobs_.extract(at);
  for (Done& done : node.mapped().waiters) done();
}

}  // namespace consort::supervisor
