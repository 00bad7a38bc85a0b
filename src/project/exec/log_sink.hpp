// Where log lines of containers go; how they look is cli/render's.
#pragma once

#include <string>
#include <string_view>

#include "engine/logs.hpp"

namespace consort::project {

class LogSink {
 public:
  virtual ~LogSink() = default;
  // Names that will appear, so that prefixes line up from the start. Called whenever one joins.
  virtual void join(const std::string& name) = 0;
  virtual void line(const std::string& name, const engine::LogLine& line) = 0;
  // "web-1 exited with code 1 (restarting)".
  virtual void status(const std::string& text) = 0;

 private:
  // Between the two a sink may collect lines, to show many at once.
  virtual void begin_batch() {}
  virtual void end_batch() {}
  friend class LogBatch;
};

// While one lives, more lines are at hand than the one that is given: a system call for each would take longer than all
// the rest. Short-lived, as what is collected is shown at its end at the latest. They may be nested.
class LogBatch {
 public:
  explicit LogBatch(LogSink& sink) : sink_(sink) { sink_.begin_batch(); }
  ~LogBatch() { sink_.end_batch(); }
  LogBatch(const LogBatch&) = delete;
  LogBatch& operator=(const LogBatch&) = delete;

 private:
  LogSink& sink_;
};

}  // namespace consort::project
