// Forwards a container's log to syslog, the journal, Graylog or Fluentd, line by line. It reads the log's file after
// the writer, so a slow or absent receiver delays nothing and takes no memory: unsent lines wait in the file, as long
// as it keeps them. The position is stored next to the log, for a successor and for the container's next start; after a
// crash, a second's worth of lines may be sent twice.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/os/loop/event_loop.hpp"
#include "supervisor/log/log_lines.hpp"
#include "supervisor/log/ship/message.hpp"
#include "supervisor/log_reader.hpp"

namespace consort::supervisor {

class LogShipper {
 public:
  // Called once when the receiver cannot be reached, with the reason, and with "" when it can be again.
  using OnTrouble = std::move_only_function<void(const std::string& why)>;

  // log_path: LogUnit::path. Sends nothing yet.
  LogShipper(EventLoop& loop, const std::string& log_path, ShipUnit unit);
  ~LogShipper();
  LogShipper(const LogShipper&) = delete;
  LogShipper& operator=(const LogShipper&) = delete;

  void on_trouble(OnTrouble handler) { on_trouble_ = std::move(handler); }
  // The log has grown: sends new lines, in this turn of the loop as many as fit, the rest in later turns.
  void poke();
  // The container has ended, so its last line needs no newline. Sends what the receiver accepts at once.
  void finish();

 private:
  // The position: all lines before `time`, and this many of those at `time`.
  struct Cursor {
    SystemTime time{};
    std::uint64_t lines = 0;
  };
  // The position in the file relative to where a predecessor stopped. Times determine it, unless the clock was set back
  // since; then the whole log is searched for it. Once it has been passed, everything that follows is new, whatever its
  // time.
  enum class Place : std::uint8_t { told_by_time, looked_for, passed };
  enum class Sent : std::uint8_t { yes, later, failed };

  void begin();  // where a predecessor stopped
  bool settle_place();
  void work();
  void work_later();
  bool is_new(const LogLine& line);
  Result<bool> read_some_lines();  // false: there are none
  bool flush_lines();              // those without a newline; false: there are none
  void take_line(const LogLine& line);
  Sent send_next();
  Sent send_datagrams(const std::string& message);
  Result<> connect();
  void on_socket(std::uint32_t events);
  void fail(const std::string& why);  // for a receiver's failure
  void try_again_later(const std::string& why);
  void disconnect();
  std::string cursor_path() const;
  void save_cursor();

  EventLoop& loop_;
  ShipUnit unit_;
  std::string log_path_;
  MessageOrigin origin_;
  LogReader reader_;
  LineAssembler lines_{LineAssembler::Beginning::whole};
  bool begun_ = false, ended_ = false;
  Place place_ = Place::passed;
  Cursor from_;  // lines up to here are not sent again
  std::uint64_t seen_at_from_ = 0;
  struct Waiting {
    std::string message;
    SystemTime time;
    bool counted = true;  // false: the line may still grow, and is then sent again as a whole
  };
  std::vector<Waiting> waiting_;  // from one block of the log
  std::size_t next_ = 0;          // index in waiting_
  std::size_t written_ = 0;       // bytes of waiting_[next_], on a stream
  Cursor cursor_;
  std::chrono::steady_clock::time_point saved_{};
  Fd socket_;
  bool connected_ = false;
  EventLoop::Token watch_ = 0, retry_ = 0, turn_ = 0;
  std::chrono::milliseconds pause_;
  std::string trouble_;
  OnTrouble on_trouble_;
};

}  // namespace consort::supervisor
