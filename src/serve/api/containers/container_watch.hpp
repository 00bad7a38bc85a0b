// What happens to one container from now on, for a call that waits for it.
#pragma once

#include <optional>
#include <string>

#include "engine/engine.hpp"
#include "engine/events.hpp"

namespace consort::serve {

class ContainerWatch {
 public:
  // The engine is borrowed.
  static Result<ContainerWatch> begin(engine::Engine& engine, const engine::Container& container);

  int fd() const { return events_.fd(); }  // readable when there may be something
  struct Change {
    enum class What : std::uint8_t { started, ended, removed } what;
    int exit_code = 0;  // of an end
  };
  // The next one that is there just now. Never blocks.
  Result<std::optional<Change>> next();

 private:
  ContainerWatch(engine::EventStream events, std::string id) : events_(std::move(events)), id_(std::move(id)) {}
  engine::EventStream events_;
  std::string id_;
  std::vector<Change> changes_;  // the next one last
};

// Waits until one of the descriptors (-1: none) can be read, or the client has gone: false.
bool wait_readable(int client, std::initializer_list<int> fds);

}  // namespace consort::serve
