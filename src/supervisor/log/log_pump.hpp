// Moves a container's output into its log whenever there is some.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/os/loop/event_loop.hpp"
#include "supervisor/log.hpp"

namespace consort::supervisor {

class LogPump {
 public:
  // Called when the log cannot be written, from time to time with how much has been lost, and when it can be written
  // again, with the total loss.
  using OnTrouble = std::move_only_function<void(const LogTrouble&)>;

  static Result<std::unique_ptr<LogPump>> open(EventLoop& loop, const LogUnit& unit);
  ~LogPump();
  LogPump(const LogPump&) = delete;
  LogPump& operator=(const LogPump&) = delete;

  Result<> add_pipe(Fd pipe, LogStream stream);
  // A pty's master (borrowed) cannot be spliced into a file directly: its bytes go through `relay`, a pipe that the
  // keeper keeps open, so that they survive this process.
  Result<> add_terminal(int master, Pipe relay);

  void on_trouble(OnTrouble handler) { on_trouble_ = std::move(handler); }
  // Called each time something new is in the log.
  void on_moved(std::move_only_function<void()> handler) { on_moved_ = std::move(handler); }

  // Moves everything available at the container's end, then stops watching. Others may still write: a process in the
  // same pid namespace, or one that was given its output.
  void drain();

 private:
  struct Source {
    Fd pipe;          // the source of the log
    Fd relay_write;   // terminal only
    int master = -1;  // terminal only
    LogStream stream = LogStream::out;
    EventLoop::Token watch = 0;
    EventLoop::Token pause = 0;
  };
  LogPump(EventLoop& loop, LogWriter writer) : loop_(loop), writer_(std::move(writer)) {}
  void on_readable(Source& source, std::uint32_t events);
  Result<> watch(Source& source);
  void unwatch(Source& source);
  bool move_from_terminal(Source& source);  // false: nothing arrived
  LogWriter::Pumped pump(Source& source);
  void take_what_is_there(Source& source);
  void tell_trouble();

  EventLoop& loop_;
  LogWriter writer_;
  OnTrouble on_trouble_;
  std::move_only_function<void()> on_moved_;
  LogTrouble told_;
  std::uint64_t lost_ = 0;  // since the log was complete
  std::vector<std::unique_ptr<Source>> sources_;
};

}  // namespace consort::supervisor
