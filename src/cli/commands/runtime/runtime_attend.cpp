// Runs a bundle's process in the foreground: its exit status becomes ours, and our signals are forwarded to it.
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "cli/commands/runtime/runtime.hpp"
#include "cli/relay/flow.hpp"
#include "cli/relay/terminal_mode.hpp"

namespace consort::cli {

namespace {

// All signals that can be caught, except those that concern only us.
Result<Fd> open_signals() {
  sigset_t set;
  sigfillset(&set);
  for (const int own : {SIGCHLD, SIGPIPE, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGURG, SIGTTOU, SIGTTIN, SIGTSTP})
    sigdelset(&set, own);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return fail_errno("block signals");
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("open signals");
  return fd;
}

void take_size(int console) {
  winsize size{};
  if (::ioctl(0, TIOCGWINSZ, &size) == 0) (void)::ioctl(console, TIOCSWINSZ, &size);
}

void pass_signals(int signals, int process, int console) {
  signalfd_siginfo info;
  while (::read(signals, &info, sizeof info) == ssize_t{sizeof info}) {
    if (info.ssi_signo == SIGWINCH && console >= 0)
      take_size(console);
    else
      (void)send_signal(process, static_cast<int>(info.ssi_signo));
  }
}

// Reading from a terminal fails once its last process is gone; that is the end of the output.
class Streams {
 public:
  explicit Streams(int console)
      : in_(0, Outlet(console, Outlet::Owner::us), Flow::By::copy),
        out_(console, Outlet(1, Outlet::Owner::caller), Flow::By::copy) {}
  pollfd in() const { return in_.wanted(); }
  pollfd out() const { return out_.wanted(); }
  void move(bool in_ready, bool out_ready) {
    if (in_ready && !in_.step()) in_.stop_reading();
    if (out_ready && !out_.step()) out_.stop_reading();
  }
  bool drained() const { return out_.over(); }

 private:
  Flow in_, out_;
};

}  // namespace

void take_line_ends(int console) {
  termios mode{};
  if (::isatty(1) || ::tcgetattr(console, &mode) != 0) return;
  mode.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  (void)::tcsetattr(console, TCSANOW, &mode);
}

Result<int> attend_process(pid_t pid, Fd console) {
  ChildGuard child(pid);
  const Fd process = TRY(open_pidfd(pid));
  const Fd signals = TRY(open_signals());
  std::optional<RawTerminal> raw;
  std::optional<Streams> streams;
  if (console) {
    take_size(console.get());
    raw.emplace();
    streams.emplace(console.get());
  }
  bool ended = false;
  while (!ended || (streams && !streams->drained())) {
    const pollfd idle{-1, 0, 0};
    std::array<pollfd, 4> waits{pollfd{signals.get(), POLLIN, 0}, pollfd{ended ? -1 : process.get(), POLLIN, 0},
                                streams && !ended ? streams->in() : idle, streams ? streams->out() : idle};
    // When the process has ended, the output still buffered in the terminal is available at once.
    const int ready = ::poll(waits.data(), waits.size(), ended ? 0 : -1);
    if (ready < 0 && errno != EINTR) return fail_errno("wait for process");
    if (ended && ready == 0) break;
    if (ready <= 0) continue;
    pass_signals(signals.get(), process.get(), console.get());
    ended = ended || waits[1].revents != 0;
    if (streams) streams->move(waits[2].revents != 0, waits[3].revents != 0);
  }
  return TRY(child.wait()).code;
}

}  // namespace consort::cli
