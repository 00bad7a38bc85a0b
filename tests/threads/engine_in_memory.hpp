// Containers without processes: the part of the engine that followers use, so that their threads can be checked without
// the modules of the real engine. The logs are real ones, in a directory of the test's.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.hpp"
#include "supervisor/log.hpp"

namespace consort::engine::test {

// create_container(), start_container(), stop_container() and kill_container() change states, which watches report.
std::unique_ptr<Engine> engine_in(const std::string& directory);

// Writes a container's output.
class Writer {
 public:
  Writer(const std::string& directory, const std::string& id);
  void write(const std::string& text);

 private:
  supervisor::LogWriter log_;
  Pipe pipe_;
};

}  // namespace consort::engine::test
