// What happens on this machine, as a stream: Engine::events(), of one project or of all. The names of events are those
// of `docker events`.
#pragma once

#include <memory>
#include <vector>

#include "base/error.hpp"
#include "engine/engine.hpp"

namespace consort::engine {

// The engine must outlive it. One thread at a time.
class EventStream {
 public:
  struct State;
  explicit EventStream(std::unique_ptr<State> state);
  EventStream(EventStream&&) noexcept;
  EventStream& operator=(EventStream&&) noexcept;
  ~EventStream();

  // What has happened since the last call, in the order of time; at the first call, all that is kept. What led to an
  // event is never told after it. Never blocks.
  Result<std::vector<EngineEvent>> next();
  // Instead of a first call of next(): what has happened until now is never told.
  Result<> skip_to_now();
  // Readable when there may be more; next() empties it. -1: not to be had (a user has a limited number of them), so
  // look now and then.
  int fd() const;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace consort::engine
