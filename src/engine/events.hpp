// Events of one project or of the whole machine as a stream: Engine::events(). Event names are those of `docker
// events`.
#pragma once

#include <memory>
#include <vector>

#include "base/error.hpp"
#include "engine/engine.hpp"

namespace consort::engine {

// The engine must outlive it. For one thread at a time.
class EventStream {
 public:
  struct State;
  explicit EventStream(std::unique_ptr<State> state);
  EventStream(EventStream&&) noexcept;
  EventStream& operator=(EventStream&&) noexcept;
  ~EventStream();

  // Events since the last call, ordered by time; at the first call, all that are kept. An event's cause is always
  // returned before the event itself. Never blocks.
  Result<std::vector<EngineEvent>> next();
  // Instead of a first call of next(): skips the events up to now.
  Result<> skip_to_now();
  // Becomes readable when there may be more; next() clears it. -1: not available (the number of inotify instances per
  // user is limited), so poll periodically.
  int fd() const;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace consort::engine
