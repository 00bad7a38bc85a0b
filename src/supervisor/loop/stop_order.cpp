#include "supervisor/loop/stop_order.hpp"

#include <algorithm>

namespace consort::supervisor {

bool StopOrder::is_needed(const Left& member) const {
  return std::ranges::any_of(left_, [&](const Left& other) {
    return other.service != member.service &&
           std::ranges::find(other.depends_on, member.service) != other.depends_on.end();
  });
}

std::vector<std::string> StopOrder::next() {
  const auto is_told = [](const Left& member) { return member.told; };
  std::vector<Left*> ready;
  for (Left& member : left_)
    if (!member.told && !is_needed(member)) ready.push_back(&member);
  if (ready.empty() && std::ranges::none_of(left_, is_told))
    for (Left& member : left_) ready.push_back(&member);
  std::vector<std::string> ids;
  for (Left* member : ready) {
    member->told = true;
    ids.push_back(member->id);
  }
  return ids;
}

void StopOrder::stopped(const std::string& id) {
  std::erase_if(left_, [&](const Left& member) { return member.id == id; });
}

}  // namespace consort::supervisor
