#include "supervisor/container/restart.hpp"

#include <algorithm>

namespace consort::supervisor {

bool wants_restart(const RestartUnit& policy, const EndedRun& run) {
  if (run.manually_stopped) return false;
  switch (policy.policy) {
    case RestartPolicy::no:
      return false;
    case RestartPolicy::on_failure:
      return run.exit_code != 0 && (policy.max_retries == 0 || run.restart_count < policy.max_retries);
    case RestartPolicy::always:
    case RestartPolicy::unless_stopped:
      return true;
  }
  return false;
}

std::optional<Milliseconds> RestartBackoff::next(const RestartUnit& policy, const EndedRun& run) {
  if (!wants_restart(policy, run)) return std::nullopt;
  if (run.duration >= steady_run || last_ == Milliseconds(0))
    last_ = first_restart_delay;
  else
    last_ = std::min(last_ * 2, longest_restart_delay);
  return last_;
}

}  // namespace consort::supervisor
