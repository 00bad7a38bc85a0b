#include "image/registry/similar.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace consort::image {

namespace {

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours cost one each.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before = std::exchange(row, next);
  }
  return row.back();
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

std::vector<std::string> similar_tags(std::string_view wanted, const std::vector<std::string>& known,
                                      std::size_t count) {
  struct Candidate {
    std::size_t distance, prefix;
    const std::string* tag;
  };
  std::vector<Candidate> candidates;
  for (const std::string& tag : known) {
    const std::size_t far = distance(wanted, tag);
    const std::size_t same = common_prefix(wanted, tag);
    const std::size_t length = std::max(wanted.size(), tag.size());
    const bool close = far * 3 <= length || far == 1;                               // a typo
    const bool kin = same >= 2 && same * 2 >= std::min(wanted.size(), tag.size());  // another variant of the version
    if (close || kin) candidates.push_back({far, same, &tag});
  }
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
    return std::tie(a.distance, b.prefix, *a.tag) < std::tie(b.distance, a.prefix, *b.tag);
  });
  std::vector<std::string> tags;
  for (const Candidate& candidate : candidates)
    if (tags.size() < count) tags.push_back(*candidate.tag);
  return tags;
}

}  // namespace consort::image
