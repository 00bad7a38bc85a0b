#include "engine/left_behind.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "engine/engine_impl.hpp"
#include "engine/events.hpp"
#include "supervisor/hold.hpp"

namespace consort::engine {

namespace {

// Of what is not, nothing more needs to be known.
bool may_be_over(const ContainerState& state) {
  return state.ended() || state.status == Status::created;
}

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Of who holds a container, until it is given up that he removes it: he may be suspended.
constexpr std::chrono::seconds holder_patience{10};
// Somebody who holds it may be killed, of which there is no event.
constexpr milliseconds look_again{200};

// false: cancelled.
bool wait_for_news(const EventStream& events, int cancel_fd, milliseconds at_most) {
  std::array<pollfd, 2> fds{pollfd{events.fd(), POLLIN, 0}, pollfd{cancel_fd, POLLIN, 0}};
  (void)::poll(fds.data(), fds.size(), static_cast<int>(std::min(at_most, look_again).count()));
  return fds[1].revents == 0;
}

}  // namespace

bool is_over(const ContainerState& state) {
  return state.ended() || (state.status == Status::created && !state.error.empty());
}

bool is_to_go(const Container& container, const ContainerSpec& spec) {
  // What a command was about to run; others that were never started may be any time.
  const bool for_command = container.oneoff && (!container.service.empty() || spec.labels.contains(for_maker_alone));
  const bool was_to_run = for_command && container.state.status == Status::created;
  return spec.auto_remove && (is_over(container.state) || was_to_run);
}

Result<std::set<std::string>> Engine::Impl::left_behind(const std::vector<Container>& containers) {
  std::set<std::string> left;
  if (std::ranges::none_of(containers, may_be_over, &Container::state)) return left;
  const std::set<std::string> candidates = TRY(records.auto_removed({}));
  for (const Container& container : containers) {
    if (!may_be_over(container.state) || !candidates.contains(container.id)) continue;
    const Result<ContainerRecord> record = load(container.id);
    if (record && is_to_go(container, record->spec) && !is_held(container.id)) left.insert(container.id);
  }
  return left;
}

Result<std::size_t> Engine::remove_left_behind(const std::optional<std::string>& project) {
  // Most projects have none at all, and need not be looked at.
  const std::set<std::string> candidates = TRY(impl_->records.auto_removed(project));
  if (candidates.empty()) return 0U;
  std::vector<Container> containers = TRY(impl_->records.list_containers(project, {}));
  std::erase_if(containers, [&](const Container& container) { return !candidates.contains(container.id); });
  TRY(impl_->join_states(containers));
  std::size_t removed = 0;
  Result<> outcome;
  for (const std::string& id : TRY(impl_->left_behind(containers))) {
    Result<> gone = remove_container(id, {.volumes = AnonymousVolumes::remove});
    if (gone) ++removed;
    // Somebody else has removed it, or started it, in the meantime.
    const bool lost = !gone && gone.error().code() != Code::not_found && gone.error().code() != Code::conflict;
    if (lost && outcome) outcome = std::move(gone);
  }
  if (!outcome) return std::unexpected(std::move(outcome).error());
  return removed;
}

void see_off(Engine& engine, const std::string& id, int cancel_fd) {
  // While it is being removed, its supervisor has forgotten it already, and it looks like one that was never started.
  const auto looks_new = [](const ContainerDetails& found) {
    return found.spec.auto_remove && found.state.status == Status::created;
  };
  auto found = engine.inspect(id);
  if (!found || !(is_to_go(*found, found->spec) || looks_new(*found))) return;
  EventStream events = engine.events(found->project);
  if (!events.skip_to_now()) return;
  const std::string whole_id = found->id;
  const auto give_up =
      steady_clock::now() + (is_to_go(*found, found->spec) ? milliseconds(holder_patience) : look_again);
  for (; found && (is_to_go(*found, found->spec) || looks_new(*found)); found = engine.inspect(whole_id)) {
    if (is_to_go(*found, found->spec) && !supervisor::is_held(engine.roots().container(whole_id))) {
      (void)engine.remove_container(whole_id, {.volumes = AnonymousVolumes::remove});
      return;
    }
    const auto left = std::chrono::ceil<milliseconds>(give_up - steady_clock::now());
    if (left <= milliseconds(0) || !wait_for_news(events, cancel_fd, left) || !events.next()) return;
  }
}

}  // namespace consort::engine
