// One request to stop, visible to everything at work: as a descriptor to poll and as a stop_token. Thread-safe.
#pragma once

#include <cstdint>
#include <stop_token>

#include "base/os/fd.hpp"

namespace consort::project {

class Cancellation {
 public:
  // user: the user wants to exit. failure: something else has failed, so waiting is pointless, but actions that have
  // started should finish.
  enum class By : std::uint8_t { failure, user };

  static Result<Cancellation> create();
  Cancellation(Cancellation&&) noexcept = default;
  void request(By by) const;
  int fd() const { return any_.get(); }           // readable once requested
  int user_fd() const { return by_user_.get(); }  // readable once requested by the user
  std::stop_token token() const { return source_.get_token(); }

 private:
  Cancellation(Fd any, Fd by_user) : any_(std::move(any)), by_user_(std::move(by_user)) {}
  Fd any_, by_user_;
  mutable std::stop_source source_;
};

}  // namespace consort::project
