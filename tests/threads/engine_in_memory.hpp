// Containers without processes: as much of the engine as those need who follow them, so that their threads can be
// looked at without the modules of the real one. The logs are real ones, in a directory of the test's own.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.hpp"
#include "supervisor/log.hpp"

namespace consort::engine::test {

// create_container(), start_container(), stop_container(), kill_container() change states, and watches tell of it.
std::unique_ptr<Engine> engine_in(const std::string& folder);

// What a container writes.
class Writer {
 public:
  Writer(const std::string& folder, const std::string& id);
  void write(const std::string& text);

 private:
  supervisor::LogWriter log_;
  Pipe pipe_;
};

}  // namespace consort::engine::test
