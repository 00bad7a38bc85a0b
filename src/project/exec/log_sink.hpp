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
};

}  // namespace consort::project
