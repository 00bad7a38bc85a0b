// Receives log lines of containers; cli/render decides how they look.
#pragma once

#include <string>
#include <string_view>

#include "engine/logs.hpp"

namespace consort::project {

class LogSink {
 public:
  virtual ~LogSink() = default;
  // Names that will appear, so that prefixes are aligned from the start. Called whenever a container is added.
  virtual void join(const std::string& name) = 0;
  virtual void line(const std::string& name, const engine::LogLine& line) = 0;
  // "web-1 exited with code 1 (restarting)".
  virtual void status(const std::string& text) = 0;

 private:
  // Between the two, a sink may collect lines to write many at once.
  virtual void begin_batch() {}
  virtual void end_batch() {}
  friend class LogBatch;
};

// While one exists, more lines are available than the current one: a system call per line would take longer than
// everything else. Keep it short, since collected lines may only be shown at its end. May be nested.
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
