// consort-init: the first process of a container with `init: true`, mounted at /sbin/docker-init.
//   docker-init -- PROGRAM [ARGUMENT...]
// It passes signals on to its child, reaps whatever is orphaned, and ends as its child ends. A program that is missing
// is an exit code here (127, 126), not a failed start, as with Docker's.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// Raised by our own faults; blocking them would turn a crash into a hang.
constexpr int faults[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS};

sigset_t passed_on() {
  sigset_t set;
  sigfillset(&set);
  for (const int fault : faults) sigdelset(&set, fault);
  return set;
}

[[noreturn]] void become(char** words, const sigset_t& mask) {
  // A group of its own, in the foreground of the terminal if there is one: Ctrl-C goes to it directly.
  setpgid(0, 0);
  if (tcsetpgrp(STDIN_FILENO, getpgrp()) != 0) errno = 0;  // ENOTTY: no terminal
  signal(SIGTTOU, SIG_DFL);
  signal(SIGTTIN, SIG_DFL);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  execvp(words[0], words);
  const int error = errno;
  dprintf(STDERR_FILENO, "[init] exec %s failed: %s\n", words[0], strerror(error));
  _exit(error == ENOENT ? 127 : error == EACCES ? 126 : 1);
}

// Reaps all that have ended. Gives the child's exit code once it has, else -1.
int reap(pid_t child) {
  int code = -1;
  int status;
  pid_t ended;
  while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
    if (ended == child) code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return code;
}

}  // namespace

int main(int count, char** words) {
  int first = 1;
  if (count > 1 && strcmp(words[1], "--") == 0) first = 2;
  if (first >= count) {
    fputs("usage: docker-init -- PROGRAM [ARGUMENT...]\n", stderr);
    return 1;
  }
  const sigset_t set = passed_on();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &set, &before);
  // The child takes the terminal before it unblocks these; we must not be stopped for being in the background.
  signal(SIGTTOU, SIG_IGN);
  signal(SIGTTIN, SIG_IGN);
  const pid_t child = fork();
  if (child < 0) {
    perror("[init] fork");
    return 1;
  }
  if (child == 0) become(words + first, before);
  while (true) {
    int got;
    if (sigwait(&set, &got) != 0) continue;
    if (got != SIGCHLD) {
      kill(child, got);
      continue;
    }
    const int code = reap(child);
    if (code >= 0) return code;
  }
}
