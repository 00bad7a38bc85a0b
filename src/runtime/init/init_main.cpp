// consort-init: the first process of a container with `init: true`, mounted at /sbin/docker-init.
//
//   docker-init -- PROGRAM [ARGUMENT...]
// Passes signals on to its child, reaps orphans, and ends as its child ends. A missing program is an exit code here
// (127, 126), not a failed start, as with Docker's.
//
//   docker-init --wait-for-end
// For a container that exists only for its network.
//
//   consort-init --attend PATH NAME [ARGUMENT...]
// Runs as the parent of a health check: SIGTERM kills the check with everything it has started. No other process could
// do that: once their parent is gone, they belong to the container's first process, which may never reap them.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// Caused by our own bugs; blocking them would turn a crash into a hang.
constexpr int faults[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS};

sigset_t passed_on() {
  sigset_t set;
  sigfillset(&set);
  for (const int fault : faults) sigdelset(&set, fault);
  return set;
}

[[noreturn]] void become(char** words, const sigset_t& mask) {
  // Its own process group, in the foreground of the terminal if there is one: Ctrl-C goes to it directly.
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

// Reaps all processes that have ended. Returns the child's exit code once it has, else -1.
int reap(pid_t child) {
  int code = -1;
  int status;
  pid_t ended;
  while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
    if (ended == child) code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return code;
}

// Kills the processes that the kernel lists as children; otherwise the group in which the check was started.
void kill_children(pid_t group) {
  const int file = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  char text[4096];
  const ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (file >= 0) close(file);
  if (got < 0) {
    kill(-group, SIGKILL);
    return;
  }
  text[got] = 0;
  for (char* at = text; *at != 0;) {
    const long pid = strtol(at, &at, 10);
    if (pid > 0) kill(static_cast<pid_t>(pid), SIGKILL);
    while (*at == ' ') ++at;
  }
}

// Orphans become our children and are killed in turn.
[[noreturn]] void end_all(pid_t group) {
  alarm(5);  // in case the kernel does not release one of them
  do kill_children(group);
  while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR);
  _exit(128 + SIGKILL);
}

int attend(const char* path, char** words) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_NAME, "consort-init");
  sigset_t set = passed_on(), before;
  sigdelset(&set, SIGALRM);
  sigprocmask(SIG_BLOCK, &set, &before);
  const pid_t child = fork();
  if (child < 0) {
    perror("fork");
    return 1;
  }
  if (child == 0) {
    setpgid(0, 0);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    execv(path, words);
    const int error = errno;
    dprintf(STDERR_FILENO, "exec %s failed: %s\n", path, strerror(error));
    _exit(error == ENOENT ? 127 : 126);
  }
  while (true) {
    int got;
    if (sigwait(&set, &got) != 0) continue;
    if (got == SIGTERM) end_all(child);
    if (got != SIGCHLD) continue;
    const int code = reap(child);
    if (code >= 0) return code;
  }
}

// As a container's program: only exists until its input ends.
int wait_for_end() {
  char scrap[64];
  while (true) {
    const ssize_t got = read(STDIN_FILENO, scrap, sizeof scrap);
    if (got == 0 || (got < 0 && errno != EINTR)) return 0;
  }
}

}  // namespace

int main(int count, char** words) {
  if (count > 3 && strcmp(words[1], "--attend") == 0) return attend(words[2], words + 3);
  if (count == 2 && strcmp(words[1], "--wait-for-end") == 0) return wait_for_end();
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
