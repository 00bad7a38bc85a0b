#include "cli/signals.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <initializer_list>
#include <utility>

#include "base/os/fd.hpp"
#include "cli/interrupted.hpp"
#include "project/exec/listening.hpp"

namespace consort::cli {

namespace {

struct SignalPipe {
  volatile sig_atomic_t read = -1;
  volatile sig_atomic_t write = -1;
};

// A signal handler can only access globals.
SignalPipe interrupts;
SignalPipe window;
volatile std::int64_t last_interrupt = 0;  // milliseconds
volatile sig_atomic_t interrupted = 0;

// GNU timeout signals the command and then its whole process group. That is one request, not a second, more urgent one.
bool is_echo() {
  constexpr std::int64_t closest = 50;  // milliseconds
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t at = std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
  const std::int64_t before = last_interrupt;
  last_interrupt = at;
  return at - before < closest;
}

void on_signal(int number) {
  const int saved = errno;
  if (number != SIGWINCH) {
    if (is_echo()) return;
    if (!project::Listening::anybody()) ::_exit(interrupted_status);
    interrupted = 1;
  }
  const auto byte = static_cast<unsigned char>(number);
  // If the pipe is full, enough signals are pending.
  [[maybe_unused]] const ssize_t written = ::write(number == SIGWINCH ? window.write : interrupts.write, &byte, 1);
  errno = saved;
}

Result<> handle(int number) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  return ::sigaction(number, &action, nullptr) == 0 ? Result<>() : fail_errno("sigaction");
}

Result<int> install(SignalPipe& pipe, std::initializer_list<int> signals) {
  if (pipe.read >= 0) return static_cast<int>(pipe.read);
  Pipe ends = TRY(make_pipe(O_NONBLOCK));
  pipe.read = ends.read.release();
  pipe.write = ends.write.release();
  for (const int number : signals) TRY(handle(number));
  return static_cast<int>(pipe.read);
}

}  // namespace

bool has_been_interrupted() {
  return interrupted != 0;
}

int Insistence::count() {
  constexpr std::chrono::seconds in_a_row{2};
  const auto now = std::chrono::steady_clock::now();
  if (now - std::exchange(last_, now) > in_a_row) count_ = 0;
  return ++count_;
}

Result<int> interrupt_descriptor() {
  return install(interrupts, {SIGINT, SIGTERM});
}
Result<> catch_hangup() {
  (void)TRY(interrupt_descriptor());
  struct sigaction before {};
  if (::sigaction(SIGHUP, nullptr, &before) != 0) return fail_errno("sigaction");
  return before.sa_handler == SIG_IGN ? Result<>() : handle(SIGHUP);
}
Result<int> window_descriptor() {
  return install(window, {SIGWINCH});
}

}  // namespace consort::cli
