#include "project/watch/batch.hpp"

#include <algorithm>

namespace consort::project {

namespace {

struct Patience {
  std::size_t most_paths;         // applies up to this number of changes
  ChangeBatch::Duration quiet;    // since the last change
  ChangeBatch::Duration longest;  // since the first change, even if more keep coming
};
// An editor saves one file, perhaps with a few next to it; a formatter some dozens; a checkout pauses when the disk is
// slow.
constexpr Patience patience[] = {
    {.most_paths = 8, .quiet = ChangeBatch::Duration(25), .longest = ChangeBatch::Duration(250)},
    {.most_paths = 64, .quiet = ChangeBatch::Duration(100), .longest = ChangeBatch::Duration(2'000)},
    {.most_paths = static_cast<std::size_t>(-1),
     .quiet = ChangeBatch::Duration(500),
     .longest = ChangeBatch::Duration(15'000)},
};
// A log file that is written all day is never closed.
constexpr ChangeBatch::Duration writing_pause{500}, writing_longest{2'000};

}  // namespace

ChangeBatch::Time ChangeBatch::Writing::ripe() const {
  return std::min(last + writing_pause, first + writing_longest);
}

ChangeBatch::Time ChangeBatch::quiet_at() const {
  const auto fits = [&](const Patience& each) { return settled_.size() <= each.most_paths; };
  const Patience& chosen = *std::ranges::find_if(patience, fits);
  return std::min(last_ + chosen.quiet, first_ + chosen.longest);
}

void ChangeBatch::settled(const std::string& path, Time now) {
  writing_.erase(path);
  if (settled_.empty()) first_ = now;
  last_ = now;
  settled_.insert(path);
}

void ChangeBatch::writing(const std::string& path, Time now) {
  const auto [found, fresh] = writing_.try_emplace(path, Writing{now, now});
  found->second.last = now;
}

std::optional<ChangeBatch::Time> ChangeBatch::due() const {
  std::optional<Time> soonest;
  if (!settled_.empty()) soonest = quiet_at();
  for (const auto& [path, file] : writing_) soonest = std::min(soonest.value_or(file.ripe()), file.ripe());
  return soonest;
}

std::vector<std::string> ChangeBatch::take(Time now) {
  for (auto at = writing_.begin(); at != writing_.end();) {
    if (at->second.ripe() > now) {
      ++at;
      continue;
    }
    if (settled_.empty()) first_ = last_ = now - patience[0].quiet;  // it has waited long enough
    settled_.insert(at->first);
    at = writing_.erase(at);
  }
  if (settled_.empty() || quiet_at() > now) return {};
  std::vector<std::string> changes(settled_.begin(), settled_.end());
  settled_.clear();
  return changes;
}

}  // namespace consort::project
