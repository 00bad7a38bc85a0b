// Verbs for parents and children, for tests of how containers are stopped.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe.hpp"

namespace probe {

namespace {

volatile sig_atomic_t signals_seen = 0;

void on_signal(int) {
  signals_seen = signals_seen + 1;
}

// Sleeps for the full time, even if signals arrive.
void rest(long ms) {
  timespec left{ms / 1000, ms % 1000 * 1'000'000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

// Without SA_RESTART. Free of races, because the signal is blocked except during the wait.
void wait_for_signal() {
  sigset_t blocked, old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &old);
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGTERM, &action, nullptr);
  puts("ready");
  fflush(stdout);
  sigset_t open = old;
  sigdelset(&open, SIGTERM);
  while (!signals_seen) sigsuspend(&open);
  sigprocmask(SIG_SETMASK, &old, nullptr);
}

// Runs the verb in a child again and again, as a shell loop does.
int respawn(int count, char** words) {
  while (true) {
    fflush(stdout);
    const pid_t child = fork();
    if (child < 0) return complain("fork");
    if (child == 0) _exit(run_line(count, words));
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

// Waits for SIGTERM, continues for the given time, and prints how many signals arrived.
int count_signals(int count, char** words) {
  wait_for_signal();
  rest(count ? atol(words[0]) : 0);
  printf("%d signals\n", static_cast<int>(signals_seen));
  return 0;
}

// A server with the verb as its worker. On SIGTERM it continues for the given time, prints "master ends", and exits
// without stopping its worker.
int master(int count, char** words) {
  if (count < 2) return 2;
  fflush(stdout);
  const pid_t child = fork();
  if (child < 0) return complain("fork");
  if (child == 0) _exit(run_line(count - 1, words + 1));
  wait_for_signal();
  rest(atol(words[0]));
  puts("master ends");
  return 0;
}

}  // namespace

const Verb family[] = {{"count", "[MILLISECONDS]", count_signals},
                       {"master", "MILLISECONDS VERB [ARGUMENT...]", master},
                       {"respawn", "VERB [ARGUMENT...]", respawn},
                       {nullptr, nullptr, nullptr}};

}  // namespace probe
