// Restart policies (`docker run --restart` in Docker's documentation), as pure functions.
#pragma once

#include <chrono>
#include <optional>

#include "supervisor/unit.hpp"

namespace consort::supervisor {

inline constexpr Milliseconds first_restart_delay{100};
inline constexpr Milliseconds longest_restart_delay{60'000};
inline constexpr Milliseconds steady_run{10'000};  // a run of at least this length resets the delay

struct EndedRun {
  std::optional<int> exit_code;  // none: unknown; counts as a failure
  Milliseconds duration{0};
  unsigned restart_count = 0;     // restarts before this end
  bool manually_stopped = false;  // by stop or kill
};

class RestartBackoff {
 public:
  RestartBackoff() = default;
  explicit RestartBackoff(Milliseconds last) : last_(last) {}

  // The delay before the next start; nullopt: no restart.
  std::optional<Milliseconds> next(const RestartUnit& policy, const EndedRun& run);
  void reset() { last_ = Milliseconds(0); }
  Milliseconds last() const { return last_; }  // 0: none yet

 private:
  Milliseconds last_{0};
};

bool wants_restart(const RestartUnit& policy, const EndedRun& run);

}  // namespace consort::supervisor
