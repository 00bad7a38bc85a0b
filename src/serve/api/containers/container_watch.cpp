#include "serve/api/containers/container_watch.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "base/narrow.hpp"
#include "base/strings.hpp"

namespace consort::serve {

Result<ContainerWatch> ContainerWatch::begin(engine::Engine& engine, const engine::Container& container) {
  ContainerWatch watch(engine.events(container.project), container.id);
  TRY(watch.events_.skip_to_now());
  return watch;
}

Result<std::optional<ContainerWatch::Change>> ContainerWatch::next() {
  if (changes_.empty()) {
    for (const engine::EngineEvent& event : TRY(events_.next())) {
      if (event.id != id_ || event.type != "container") continue;
      if (event.action == "start") changes_.push_back({Change::What::started});
      if (event.action == "destroy") changes_.push_back({Change::What::removed});
      if (event.action != "die") continue;
      // Nobody may know how it has ended.
      constexpr int unknown = 255;
      const auto code = event.attributes.find("exitCode");
      const auto number = code == event.attributes.end() ? std::nullopt : parse_signed(code->second);
      changes_.push_back({Change::What::ended, number ? saturated<int>(*number) : unknown});
    }
    std::ranges::reverse(changes_);
  }
  if (changes_.empty()) return std::nullopt;
  const Change change = changes_.back();
  changes_.pop_back();
  return change;
}

bool wait_readable(int client, std::initializer_list<int> fds) {
  std::vector<pollfd> polled{{client, 0, 0}};
  for (const int fd : fds) polled.push_back({fd, POLLIN, 0});
  while (::poll(polled.data(), polled.size(), -1) < 0)
    if (errno != EINTR) return false;
  return (polled[0].revents & (POLLHUP | POLLERR)) == 0;
}

}  // namespace consort::serve
