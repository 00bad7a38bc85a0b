// Trying again, with pauses that grow, until patience is at an end. One for each piece of work.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include "image/http/http.hpp"
#include "image/transfer.hpp"

namespace consort::image {

class Retry {
 public:
  // eager: also what will hardly get better by itself, a name that is not known or a port that nobody listens to. It
  // does when a machine has just woken up, or a server is started anew.
  enum class What : std::uint8_t { answers, connections_too };
  Retry(const Patience& patience, std::chrono::milliseconds limit, What what)
      : patience_(patience), limit_(limit), what_(what) {}

  // Something came: the waiting begins anew.
  void progressed();
  // How long to wait before the next try; nullopt: there shall be none.
  std::optional<std::chrono::milliseconds> pause(const HttpAnswer& answer);

 private:
  using Clock = std::chrono::steady_clock;
  bool may_pass(const HttpAnswer& answer) const;

  Patience patience_;
  std::chrono::milliseconds limit_;
  What what_;
  Clock::time_point since_ = Clock::now();
  int tries_ = 0;
};

// Ends early, with Code::interrupted, when cancelled.
Result<> sleep_for(std::chrono::milliseconds time, const std::stop_token& cancel);

}  // namespace consort::image
