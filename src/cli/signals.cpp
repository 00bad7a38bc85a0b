#include "cli/signals.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "base/os/fd.hpp"

namespace consort::cli {

namespace {

// A signal handler can reach nothing but globals.
volatile sig_atomic_t pipe_write = -1;
volatile sig_atomic_t pipe_read = -1;

void on_signal(int number) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(number);
  // A full pipe means that the user has asked often enough.
  [[maybe_unused]] const ssize_t written = ::write(pipe_write, &byte, 1);
  errno = saved;
}

}  // namespace

Result<int> interrupt_descriptor() {
  if (pipe_read >= 0) return static_cast<int>(pipe_read);
  Pipe pipe = TRY(make_pipe(O_NONBLOCK));
  pipe_read = pipe.read.release();
  pipe_write = pipe.write.release();
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGINT, SIGTERM})
    if (::sigaction(number, &action, nullptr) != 0) return fail_errno("sigaction");
  return static_cast<int>(pipe_read);
}


}  // namespace consort::cli
