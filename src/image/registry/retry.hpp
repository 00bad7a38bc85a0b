// Retries with growing pauses until the patience is exhausted. Use one object per piece of work.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include "image/http/http.hpp"
#include "image/transfer.hpp"

namespace consort::image {

class Retry {
 public:
  // connections_too: also retries what rarely resolves itself, such as an unknown name or a refused connection. It does
  // after a machine has resumed from sleep or while a server restarts.
  enum class What : std::uint8_t { answers, connections_too };
  Retry(const Patience& patience, std::chrono::milliseconds limit, What what)
      : patience_(patience), limit_(limit), what_(what) {}

  // Data arrived: the patience starts anew.
  void progressed();
  // How long to wait before the next attempt; nullopt: do not retry.
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

// Returns early, with Code::interrupted, when cancelled.
Result<> sleep_for(std::chrono::milliseconds time, const std::stop_token& cancel);

}  // namespace consort::image
