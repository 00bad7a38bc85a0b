#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <deque>

#include "cli/relay/flow.hpp"
#include "cli/relay/outlast.hpp"
#include "cli/relay/patience.hpp"
#include "cli/relay/relay.hpp"
#include "cli/relay/terminal_mode.hpp"
#include "cli/relay/typed_input.hpp"
#include "cli/signals.hpp"

namespace consort::cli {

namespace {

using std::chrono::steady_clock;

// Processes left in the background may hold the pipes open forever (`sh -c 'daemon &'`). The output that was in the
// pipes when the process ended is read completely; after that we wait for the end of output, but no longer than this.
constexpr std::chrono::milliseconds quiet{250};
constexpr std::chrono::seconds longest_after_end{2};
// The process gets each signal; after this many, the user wants to leave.
constexpr int most_signals = 3;

int take_signal(int fd) {
  unsigned char number = 0;
  return ::read(fd, &number, 1) == 1 ? number : 0;
}

std::uint64_t bytes_in(int fd) {
  int waiting = 0;
  return ::ioctl(fd, FIONREAD, &waiting) == 0 && waiting > 0 ? static_cast<std::uint64_t>(waiting) : 0;
}

class ExecRelay {
 public:
  ExecRelay(engine::Exec& exec, int interrupt_fd)
      : exec_(exec), interrupt_fd_(interrupt_fd), streams_(exec.take_streams()) {}

  Result<int> run() {
    if (exec_.terminal() >= 0) raw_.emplace();
    TRY(connect());
    while (!finished()) {
      TRY(wait());
      if (left_) return *left_;
    }
    if (failure_) return fail(std::move(*failure_));
    return exec_.wait();
  }

 private:
  struct Output {
    int from;
    Flow flow;
    std::uint64_t owed = 0;  // left to move of the output at the process's end
    std::uint64_t seen = 0;  // flow.moved() when `owed` was counted
  };

  Result<> connect() {
    using enum Outlet::Owner;
    if (const int terminal = exec_.terminal(); terminal >= 0) {
      window_ = TRY(window_descriptor());
      if (const engine::TerminalSize size = terminal_size(); size.columns > 0) (void)exec_.resize(size);
      in_.emplace(STDIN_FILENO, Outlet(terminal, us), Flow::By::copy);
      in_->set_filter([this](std::string& typed) {
        if (typed_.pass(typed)) return true;
        left_ = 0;
        return false;
      });
      outputs_.emplace_back(terminal, Flow(terminal, Outlet(STDOUT_FILENO, caller), Flow::By::copy));
      return {};
    }
    in_.emplace(STDIN_FILENO, Outlet(streams_.in.get(), us), Flow::By::copy);
    outputs_.emplace_back(streams_.out.get(),
                          Flow(streams_.out.get(), Outlet(STDOUT_FILENO, caller), Flow::By::splice));
    outputs_.emplace_back(streams_.err.get(),
                          Flow(streams_.err.get(), Outlet(STDERR_FILENO, caller), Flow::By::splice));
    return {};
  }

  bool finished() const {
    if (!ended_at_) return false;
    bool over = true, owed = false, quiet_now = true;
    for (const Output& output : outputs_) {
      if (output.flow.over()) continue;
      over = false;
      owed = owed || output.flow.kept() > 0 || output.flow.moved() - output.seen < output.owed;
      quiet_now = quiet_now && !output.flow.held_up();
    }
    if (over) return true;
    const auto now = steady_clock::now();
    return !owed && ((quiet_now && now - last_moved_ >= quiet) || now - *ended_at_ >= longest_after_end);
  }

  Result<> wait() {
    std::array<pollfd, 6> fds{in_ ? in_->wanted() : pollfd{-1, 0, 0},
                              outputs_[0].flow.wanted(),
                              outputs_.size() > 1 ? outputs_[1].flow.wanted() : pollfd{-1, 0, 0},
                              pollfd{ended_at_ ? -1 : exec_.fd(), POLLIN, 0},
                              pollfd{window_, POLLIN, 0},
                              pollfd{interrupt_fd_, POLLIN, 0}};
    const int timeout = ended_at_ ? static_cast<int>(patience_after_interrupt.count()) : -1;
    if (::poll(fds.data(), fds.size(), timeout) < 0 && errno != EINTR) return fail_errno("poll");
    if (fds[5].revents) pass_on(take_signal(interrupt_fd_));
    if (fds[4].revents) {
      take_signal(window_);
      (void)exec_.resize(terminal_size());
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      if (fds[i + 1].revents) step_output(outputs_[i]);
    if (fds[0].revents) step_input();
    if (fds[3].revents) note_end();
    if (ended_at_ && held_up()) outlast_reader(patience_, unread(), raw_, left_);
    return {};
  }

  bool held_up() const {
    return std::ranges::any_of(outputs_, [](const Output& output) { return output.flow.held_up(); });
  }

  std::uint64_t unread() const {
    std::uint64_t bytes = 0;
    for (const Output& output : outputs_) bytes += output.flow.unread();
    return bytes;
  }

  void note_end() {
    ended_at_ = last_moved_ = steady_clock::now();
    in_.reset();
    for (Output& output : outputs_) {
      output.owed = bytes_in(output.from);
      output.seen = output.flow.moved();
    }
  }

  void step_output(Output& output) {
    const std::uint64_t before = output.flow.moved();
    const std::size_t kept = output.flow.kept();
    auto stepped = output.flow.step();
    if (output.flow.moved() != before) last_moved_ = steady_clock::now();
    if (output.flow.moved() != before || output.flow.kept() < kept) patience_.moved();
    if (output.flow.held_up()) patience_.sees(unread());
    if (stepped) return;
    if (output.flow.failed_to_read()) return;  // EIO: no process has the terminal open any more
    // Our reader is gone or the disk is full; the process should see that as it would without us.
    if (!nobody_reads(stepped.error())) keep("write the output", std::move(stepped.error()));
    if (exec_.terminal() >= 0) {
      left_ = 128 + SIGPIPE;
    } else {
      (output.from == streams_.out.get() ? streams_.out : streams_.err).reset();
    }
  }

  void step_input() {
    if (!in_) return;
    auto stepped = in_->step();
    if (!stepped && in_->failed_to_read()) keep("read the input", std::move(stepped.error()));
    if (in_->over()) {
      in_.reset();
      streams_.in.reset();  // so that it sees the end of its input
    }
  }

  void keep(std::string what, Error error) {
    if (!failure_) failure_ = std::move(error).wrap(std::move(what));
  }

  void pass_on(int signal) {
    if (signal == 0) return;
    patience_.asked(signal);
    (void)exec_.kill(signal);
    // When we end, its terminal hangs up, or its pipes lose their other ends.
    if (insistence_.count() >= most_signals || ended_at_) left_ = 128 + signal;
  }

  engine::Exec& exec_;
  int interrupt_fd_;
  engine::ExecStreams streams_;
  std::optional<Flow> in_;
  std::deque<Output> outputs_;
  int window_ = -1;
  Insistence insistence_;
  Patience patience_;
  TypedInput typed_{DetachKeys(), patience_};
  std::optional<RawTerminal> raw_;
  std::optional<steady_clock::time_point> ended_at_;
  steady_clock::time_point last_moved_;
  std::optional<int> left_;  // the command's exit code; set if it does not wait for the process
  std::optional<Error> failure_;
};

}  // namespace

Result<int> relay_exec(engine::Exec& exec, int interrupt_fd) {
  return ExecRelay(exec, interrupt_fd).run();
}

}  // namespace consort::cli
