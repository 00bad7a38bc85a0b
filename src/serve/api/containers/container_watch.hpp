// Events of one container from now on, for a call that waits for them.
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

  int fd() const { return events_.fd(); }  // readable when there may be an event
  struct Change {
    enum class What : std::uint8_t { started, ended, removed } what;
    int exit_code = 0;  // when it ended
  };
  // The next available event. Never blocks.
  Result<std::optional<Change>> next();

 private:
  ContainerWatch(engine::EventStream events, std::string id) : events_(std::move(events)), id_(std::move(id)) {}
  engine::EventStream events_;
  std::string id_;
  std::vector<Change> changes_;  // in reverse order
};

// Waits until one of the descriptors (-1: none) is readable; false: the client has disconnected.
bool wait_readable(int client, std::initializer_list<int> fds);

}  // namespace consort::serve
