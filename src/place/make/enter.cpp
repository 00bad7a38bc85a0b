// Enters the place, which the first command creates.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/os/files/file.hpp"
#include "base/os/processes/own_programs.hpp"
#include "place/holder/protocol.hpp"
#include "place/make/namespaces.hpp"
#include "place/paths.hpp"
#include "place/place.hpp"

namespace consort::place {

namespace {

constexpr std::chrono::seconds longest_wait{30};
constexpr int first_high_fd = 20;  // above those with a fixed number in the keeper

struct Inherited {
  Fd log, ready, user, mount, network, lock;  // each above first_high_fd
};

Result<Fd> high(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, first_high_fd);
  if (copy < 0) return fail_errno("duplicate descriptor");
  return Fd(copy);
}

// In the child: leaves the caller's terminal and session.
[[noreturn]] void become_keeper(const Inherited& fds, char* const* argv, char* const* environment) {
  if (::setsid() < 0) ::_exit(1);
  const pid_t pid = ::fork();
  if (pid != 0) ::_exit(pid < 0 ? 1 : 0);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || ::chdir("/") != 0) ::_exit(1);
  ::dup2(null, 0);
  ::dup2(fds.ready.get(), 1);
  ::dup2(fds.log.get(), 2);
  ::dup2(fds.user.get(), user_fd);
  ::dup2(fds.mount.get(), mount_fd);
  ::dup2(fds.network.get(), network_fd);
  ::dup2(fds.lock.get(), lock_fd);
  ::close_range(lock_fd + 1, ~0U, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execve(argv[0], argv, environment);
  ::_exit(127);
}

Result<> start_keeper(const Roots& roots, const Namespaces& made, const Fd& lock) {
  Pipe ready = TRY(make_pipe());
  const Fd log = TRY(open_file(roots.run + "/place.log", O_WRONLY | O_CREAT | O_TRUNC, 0600));
  Fd log_fd = TRY(high(log.get())), ready_fd = TRY(high(ready.write.get())), user = TRY(high(made.user.get()));
  Fd mount = TRY(high(made.mount.get())), network = TRY(high(made.network.get())), held = TRY(high(lock.get()));
  Inherited fds{std::move(log_fd), std::move(ready_fd), std::move(user),
                std::move(mount),  std::move(network),  std::move(held)};
  std::string program = TRY(find_own_program("consort-place"));
  std::vector<std::string> words{std::move(program), socket_path(roots)};
  for (std::string& word : link_arguments()) words.push_back(std::move(word));
  // None of the user's environment, as for the keepers of projects.
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::vector<char*> argv, environment{path.data(), nullptr};
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("fork");
  if (pid == 0) become_keeper(fds, argv.data(), environment.data());
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  ready.write.reset();
  fds.ready.reset();
  const std::string answer = TRY(read_all(ready.read.get(), 4096));
  if (answer == "ok") return {};
  return fail(Error(Code::io, "start consort-place").why(answer.empty() ? "it ended at once" : answer));
}

Result<bool> try_lock(const Fd& lock) {
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK || errno == EINTR) return false;
  return fail_errno("lock the user's namespaces");
}

struct Found {
  Welcome welcome;
  MissingIds missing;
};

// The holder of the lock creates the place, keeps it, or is about to end.
Result<Found> find_or_make(const Roots& roots) {
  const auto deadline = std::chrono::steady_clock::now() + longest_wait;
  MissingIds missing;
  while (true) {
    if (auto welcome = TRY(connect_to(roots))) return Found{std::move(*welcome), std::move(missing)};
    const Fd lock = TRY(open_file(lock_path(roots), O_RDWR | O_CREAT, 0600));
    if (TRY(try_lock(lock))) {
      const Namespaces made = TRY(make_namespaces());
      missing = made.missing;
      TRY(start_keeper(roots, made, lock));
      continue;
    }
    if (std::chrono::steady_clock::now() > deadline)
      return fail(Error(Code::busy, "enter the user's namespaces")
                      .why("the process that keeps " + lock_path(roots) + " does not answer"));
    ::poll(nullptr, 0, 5);
  }
}

Result<> go_in(const Welcome& welcome) {
  const Result<std::string> here = current_directory();
  if (::setns(welcome.user.get(), CLONE_NEWUSER) != 0) return fail_errno("enter user namespace");
  if (::setns(welcome.mount.get(), CLONE_NEWNS) != 0) return fail_errno("enter mount namespace");
  // After a change of credentials, a process cannot read its own files in /proc.
  if (::prctl(PR_SET_DUMPABLE, 1) != 0) return fail_errno("enter user namespace");
  // In the namespace the working directory is its root. A directory that has been removed stays unknown, as before.
  if (!here || ::chdir(here->c_str()) == 0) return {};
  const int number = errno;
  return fail(errno_error(number, "enter", *here)
                  .hint(number == ENOENT ? "it was mounted after the first command of this user started: stop all "
                                           "projects (`down`), and start them again"
                                         : "change to a directory that you may enter"));
}

}  // namespace

bool is_needed() {
  return ::geteuid() != 0;
}

Result<Entered> enter(const Roots& roots) {
  TRY(roots.prepare());
  Found found = TRY(find_or_make(roots));
  TRY(go_in(found.welcome));
  // This connection keeps the place alive: it lasts as long as this process, whatever it executes; every child closes
  // it.
  found.welcome.socket.release();
  ::setenv("CONSORT_DATA_ROOT", roots.data.c_str(), 1);
  ::setenv("CONSORT_RUN_ROOT", roots.run.c_str(), 1);
  Entered entered;
  if (!found.missing.why.empty())
    entered.notes.push_back("containers have only one user, root, because " + found.missing.why + ": " +
                            found.missing.command);
  return entered;
}

}  // namespace consort::place
