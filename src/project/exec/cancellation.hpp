// One request to stop, seen by everything that works: as a descriptor to poll and as a stop_token. Thread-safe.
#pragma once

#include <stop_token>

#include "base/os/fd.hpp"

namespace consort::project {

class Cancellation {
 public:
  static Result<Cancellation> create();
  Cancellation(Cancellation&&) noexcept = default;
  void request() const;
  int fd() const { return event_.get(); }  // readable once requested
  std::stop_token token() const { return source_.get_token(); }

 private:
  explicit Cancellation(Fd event) : event_(std::move(event)) {}
  Fd event_;
  mutable std::stop_source source_;
};

}  // namespace consort::project
