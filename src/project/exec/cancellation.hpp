// One request to stop, seen by everything that works: as a descriptor to poll and as a stop_token. Thread-safe.
#pragma once

#include <cstdint>
#include <stop_token>

#include "base/os/fd.hpp"

namespace consort::project {

class Cancellation {
 public:
  // user: he wants to be gone. failure: something else has failed, so what only waits is of no use any more; what is
  // about to be done had better be seen through.
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
