#include "engine/left_behind.hpp"

#include "supervisor/hold.hpp"

namespace consort::engine {

namespace {

// Of what is not, nothing more needs to be known.
bool may_be_over(const ContainerState& state) {
  return state.ended() || state.status == Status::created;
}

}  // namespace

bool is_to_go(const Container& container, const ContainerSpec& spec) {
  const ContainerState& state = container.state;
  // What a command was about to run; others that were never started may be any time.
  const bool was_to_run = container.oneoff && (!container.service.empty() || spec.labels.contains(for_maker_alone));
  const bool is_over = state.ended() || (state.status == Status::created && (!state.error.empty() || was_to_run));
  return is_over && spec.auto_remove;
}

Result<std::size_t> remove_left_behind(Engine& engine, const std::optional<std::string>& project) {
  std::size_t removed = 0;
  Result<> outcome;
  for (const Container& container : TRY(engine.list({.project = project, .service = {}, .labels = {}}))) {
    if (!may_be_over(container.state)) continue;
    const auto details = engine.inspect(container.id);
    if (!details || !is_to_go(*details, details->spec) || supervisor::is_held(details->bundle)) continue;
    Result<> gone = engine.remove_container(container.id, {.volumes = AnonymousVolumes::remove});
    if (gone) ++removed;
    if (!gone && gone.error().code() != Code::not_found && outcome) outcome = std::move(gone);
  }
  if (!outcome) return std::unexpected(std::move(outcome).error());
  return removed;
}

}  // namespace consort::engine
