// Moves what one container writes into its log, whenever there is something.
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
  // Told when the log cannot be written, from time to time how much is lost meanwhile, and when it is written again:
  // then with how much was lost.
  using OnTrouble = std::move_only_function<void(const LogTrouble&)>;

  static Result<std::unique_ptr<LogPump>> open(EventLoop& loop, const LogUnit& unit);
  ~LogPump();
  LogPump(const LogPump&) = delete;
  LogPump& operator=(const LogPump&) = delete;

  Result<> add_pipe(Fd pipe, LogStream stream);
  // A pty's master (borrowed) cannot be spliced into a file directly: its bytes pass through `relay`, a
  // pipe that outlives this process in the keeper, so that they survive it.
  Result<> add_terminal(int master, Pipe relay);

  void on_trouble(OnTrouble handler) { on_trouble_ = std::move(handler); }
  // Told each time when there is something new in the log.
  void on_moved(std::move_only_function<void()> handler) { on_moved_ = std::move(handler); }

  // All that is there now, at the container's end; then nothing is watched any more. Somebody may go on writing: a
  // process next to it in the same pid namespace, or whoever was given its output.
  void drain();

 private:
  struct Source {
    Fd pipe;          // what is pumped into the log
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
  bool move_from_terminal(Source& source);  // false: nothing came
  LogWriter::Pumped pump(Source& source);
  void take_what_is_there(Source& source);
  void tell_trouble();

  EventLoop& loop_;
  LogWriter writer_;
  OnTrouble on_trouble_;
  std::move_only_function<void()> on_moved_;
  LogTrouble told_;
  std::uint64_t lost_ = 0;  // since the log was whole
  std::vector<std::unique_ptr<Source>> sources_;
};

}  // namespace consort::supervisor
