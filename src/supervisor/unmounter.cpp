#include "supervisor/internal/unmounter.hpp"

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
[[noreturn]] void wait_for_the_disk(int root) {
  ::prctl(PR_SET_NAME, "consort-unmount");
  const auto number = static_cast<unsigned>(root);
  if (root > 0) ::syscall(SYS_close_range, 0u, number - 1, 0u);
  ::syscall(SYS_close_range, number + 1, ~0u, 0u);
  ::close(root);
  ::_exit(0);
}

}  // namespace

Unmounter::~Unmounter() {
  for (const auto& [id, job] : jobs_) loop_.remove(job.watch);
}

void Unmounter::close(const std::string& container_id, Fd root) {
  if (!root) return;
  const pid_t pid = ::fork();
  if (pid < 0) return;  // then we wait for the disk ourselves
  if (pid == 0) wait_for_the_disk(root.get());
  root.reset();
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
