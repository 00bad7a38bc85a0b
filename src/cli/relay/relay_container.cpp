#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/os/fd.hpp"
#include "cli/relay/flow.hpp"
#include "cli/relay/outlast.hpp"
#include "cli/relay/patience.hpp"
#include "cli/relay/relay.hpp"
#include "cli/relay/terminal_mode.hpp"
#include "cli/relay/typed_input.hpp"
#include "cli/signals.hpp"
#include "engine/standing.hpp"
#include "project/exec/watching.hpp"

namespace consort::cli {

namespace {

constexpr std::chrono::milliseconds between_looks{1000};

class ContainerRelay {
 public:
  ContainerRelay(engine::Engine& engine, AttachRelay relay, int interrupt_fd)
      : engine_(engine),
        relay_(std::move(relay)),
        interrupt_fd_(interrupt_fd),
        typed_(DetachKeys::parse(relay_.detach_keys).value_or(DetachKeys()), patience_) {}

  Result<RelayEnd> run() {
    watch_ = TRY(engine_.watch(relay_.project, engine::Unserved::revive));
    TRY(open_log());
    connect();
    if (relay_.tty && in_) raw_.emplace();
    if (relay_.tty) window_ = TRY(window_descriptor());
    if (relay_.tty && relay_.take_size) resize();
    over_ = TRY(ended());
    while (true) {
      if (over_) reader_->unwatch();
      TRY(show());
      if (failure_) return fail(std::move(*failure_));
      if (left_) return RelayEnd{over_ ? RelayEnd::How::container_ended : RelayEnd::How::left, *left_};
      // After the container's end, no more output can arrive.
      if (over_ && nothing_more_ && !held_up()) return finish();
      TRY(wait());
    }
  }

 private:
  static int take(int fd) {
    unsigned char number = 0;
    return ::read(fd, &number, 1) == 1 ? number : 0;
  }

  Result<> open_log() {
    const bool from_now = !relay_.output;
    if (from_now) relay_.output.emplace(TRY(engine_.logs(relay_.id)));
    reader_ = &*relay_.output;
    log_ = TRY(reader_->watch_fd());
    return from_now ? reader_->skip_to_end() : Result<>();
  }

  // A process that has already ended takes no input, but its output is still shown.
  void connect() {
    if (!relay_.with_input) return;
    auto attachment = engine_.attach(relay_.id);
    if (!attachment) return;
    attachment_ = std::move(*attachment);
    const Fd& input = attachment_.terminal ? attachment_.terminal : attachment_.input;
    in_.emplace(STDIN_FILENO, Outlet(input.get(), Outlet::Owner::us), Flow::By::copy);
    if (!relay_.tty) return;
    in_->set_filter([this](std::string& typed) {
      if (typed.contains(interrupt_key)) asked_ = true;
      if (typed_.pass(typed)) return true;
      left_ = 0;
      return false;
    });
  }

  void resize() {
    if (const engine::TerminalSize size = terminal_size(); size.columns > 0)
      (void)engine_.resize_terminal(relay_.id, size);
  }

  // The command is about to end, and ends the containers that it started: gracefully, and at the second signal at once.
  void take_along() {
    if (stopper_.joinable()) {
      keep(engine_.kill_container(relay_.id));
    } else {
      stopper_ = std::jthread([this] { (void)engine_.stop_container(relay_.id); });
    }
  }

  void pass_on(int signal) {
    if (signal == 0) return;
    patience_.asked(signal);
    asked_ = true;
    if (over_) {  // only our own output is still on its way
      left_ = 128 + signal;
    } else if (signal != SIGINT && relay_.life == AttachRelay::Life::of_command) {
      take_along();
    } else if (signal == SIGHUP || !relay_.signals) {  // a signal that is not forwarded is meant for us
      left_ = 128 + signal;
    } else {
      interrupt(signal);
    }
  }

  // A container's first process only gets signals that it has handlers for, and some programs ignore them.
  void interrupt(int signal) {
    constexpr int most_interrupts = 3;
    const int times = insistence_.count();
    if (times > 1 && relay_.life == AttachRelay::Life::of_command) return take_along();
    keep(engine_.kill_container(relay_.id, signal == SIGINT ? "INT" : "TERM"));
    if (times >= most_interrupts) left_ = 128 + signal;
  }

  // Nothing tells us of an end while the supervisor or its keeper is stopped (SIGSTOP). Once we have been asked for
  // one, we don't wait for that.
  void look_for_stopped() {
    constexpr int most_looks = 3;
    const auto now = std::chrono::steady_clock::now();
    if (!asked_ || over_ || now < look_at_) return;
    look_at_ = now + between_looks;
    std::optional<Error> stopped = engine::stopped_supervisor(engine_, relay_.project);
    asked_ = stopped.has_value();
    looks_ = asked_ ? looks_ + 1 : 0;
    if (looks_ == most_looks) failure_ = std::move(stopped);
  }

  // The same where a signal could not be passed on.
  void keep(Result<> sent) {
    if (!sent && sent.error().code() == Code::busy) failure_ = std::move(sent.error());
  }

  // Ends like any program whose output is no longer read.
  Result<> lost_reader(Error error) {
    if (!nobody_reads(error)) return fail(std::move(error).wrap("write the container's output"));
    if (relay_.life != AttachRelay::Life::of_command) {
      left_ = 128 + SIGPIPE;
    } else if (!std::exchange(unread_, true) && !over_) {
      take_along();
    }
    return {};
  }

  // Shows one block at a time, as fast as it is read: a log may be longer than we want to keep in memory.
  Result<> show() {
    constexpr int most_blocks = 16;  // then signals are checked
    nothing_more_ = false;
    for (int i = 0; i < most_blocks && !nothing_more_ && !held_up(); ++i) {
      nothing_more_ = !TRY(reader_->read_bytes([this](const engine::LogRecord& record) {
        if (!unread_) outlet_of(record.stream).give(record.bytes);
      }));
      TRY(write_some());
    }
    return {};
  }

  Result<> write_some() {
    for (Outlet* const outlet : {&out_, &err_}) {
      const std::size_t before = outlet->kept();
      if (Result<> written = outlet->write_some(); !written) TRY(lost_reader(std::move(written.error())));
      if (outlet->kept() < before) patience_.moved();
    }
    if (held_up()) patience_.sees(unread());
    return {};
  }

  std::uint64_t unread() const { return out_.unread() + err_.unread(); }

  bool held_up() const { return out_.waiting() || err_.waiting(); }

  Outlet& outlet_of(engine::LogStream stream) { return stream == engine::LogStream::err && !relay_.tty ? err_ : out_; }

  Result<> wait() {
    const bool slow = held_up();
    std::array<pollfd, 7> fds{pollfd{slow || over_ ? -1 : log_, POLLIN, 0},
                              pollfd{over_ ? -1 : watch_->fd(), POLLIN, 0},
                              in_ && !over_ ? in_->wanted() : pollfd{-1, 0, 0},
                              pollfd{window_, POLLIN, 0},
                              pollfd{interrupt_fd_, POLLIN, 0},
                              pollfd{out_.waiting() ? out_.fd() : -1, POLLOUT, 0},
                              pollfd{err_.waiting() ? err_.fd() : -1, POLLOUT, 0}};
    const bool more_to_read = !slow && !nothing_more_;
    const int timeout = more_to_read       ? 0
                        : slow && over_    ? static_cast<int>(patience_after_interrupt.count())
                        : asked_ && !over_ ? static_cast<int>(between_looks.count())
                                           : -1;
    if (::poll(fds.data(), fds.size(), timeout) < 0 && errno != EINTR) return fail_errno("poll");
    if (fds[4].revents) pass_on(take(interrupt_fd_));
    if (fds[3].revents) {
      take(window_);
      resize();
    }
    if (fds[0].revents) reader_->acknowledge();
    if (fds[1].revents) over_ = TRY(changed());
    if (fds[2].revents) pass_input();
    if (fds[5].revents || fds[6].revents) TRY(write_some());
    if (over_ && held_up()) outlast_reader(patience_, unread(), raw_, left_);
    look_for_stopped();
    return {};
  }

  void pass_input() {
    if (!in_) return;
    (void)in_->step();  // on an error, the process has closed its input, or ours cannot be read
    if (!in_->over()) return;
    in_.reset();
    if (!relay_.tty) attachment_ = {};
  }

  Result<bool> ended() {
    auto details = engine_.inspect(relay_.id);
    if (!details && details.error().code() == Code::not_found) return true;
    if (!details) return fail(std::move(details).error().wrap("look at container", relay_.id));
    code_ = details->state.exit_code;
    return details->state.ended();
  }

  Result<bool> changed() {
    while (true) {
      auto change = project::next_change(*watch_);
      if (!change && change.error().code() == Code::not_found) {
        watch_ = TRY(engine_.watch(relay_.project, engine::Unserved::revive));
        return TRY(ended()) || watch_->fd() < 0;
      }
      if (!change) return fail(std::move(change).error());
      const std::optional<engine::StateChange>& next = *change;
      if (!next) return false;
      if (next->id != relay_.id) continue;
      if (next->gone) return true;
      if (!next->state.ended()) continue;
      code_ = next->state.exit_code;
      return true;
    }
  }

  Result<RelayEnd> finish() const {
    if (unread_) return RelayEnd{.exit_code = 128 + SIGPIPE};
    // Never report success if the exit code is unknown.
    if (!code_)
      return fail(Error(Code::lost, "wait for container " + relay_.id.substr(0, 12))
                      .why("its exit code is unknown: the process that supervised it was killed"));
    return RelayEnd{.exit_code = *code_};
  }

  engine::Engine& engine_;
  AttachRelay relay_;
  int interrupt_fd_;
  std::unique_ptr<engine::Watch> watch_;
  engine::LogReader* reader_ = nullptr;
  int log_ = -1;
  int window_ = -1;
  engine::Attachment attachment_;
  std::optional<Flow> in_;
  Outlet out_{STDOUT_FILENO, Outlet::Owner::caller};
  Outlet err_{STDERR_FILENO, Outlet::Owner::caller};
  bool nothing_more_ = false;  // at the last read of the log
  bool over_ = false;          // the container has ended
  bool unread_ = false;        // nobody reads what we write
  bool asked_ = false;         // the user wants an end, and whether one can be told has not been looked at since
  std::chrono::steady_clock::time_point look_at_{};  // when to look next whether its supervisor is stopped
  int looks_ = 0;                                    // at which it was
  Insistence insistence_;
  Patience patience_;
  TypedInput typed_;
  std::optional<int> code_ = 0;  // nullopt: nobody has seen how it ended
  std::optional<int> left_;      // the command's exit code: it does not wait for the container
  std::optional<Error> failure_;
  std::jthread stopper_;  // uses the members above
  // The last member, so that it is destroyed first: after a detach, the terminal is restored even while a stop is still
  // in progress.
  std::optional<RawTerminal> raw_;
};

}  // namespace

Result<RelayEnd> relay_container(engine::Engine& engine, AttachRelay relay, int interrupt_fd) {
  return ContainerRelay(engine, std::move(relay), interrupt_fd).run();
}

}  // namespace consort::cli
