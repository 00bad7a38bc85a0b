// Containers that are removed when they end (--rm) and whose owner (CreatedContainer::hold) is gone.
#pragma once

#include <optional>
#include <string>

#include "engine/engine.hpp"

namespace consort::engine {

// Label of a one-off container that only the command that creates it needs: once no process holds it, it is removed
// even if it was never started.
inline constexpr const char* for_maker_alone = "consort.for-maker-alone";

// The container has ended or could not be started: it will not run again by itself.
bool is_over(const ContainerState& state);

// Whether a container is to be removed: it has auto_remove, and it is over, or a command created it but has not started
// it yet. A holder may still start it, so check its hold before removing it.
bool is_to_go(const Container& container, const ContainerSpec& spec);

// Removes such containers that nobody holds, of one project or of all. Returns their number.
Result<std::size_t> remove_left_behind(Engine& engine, const std::optional<std::string>& project = {});

// After a stop: waits until the container is gone if it is one that is removed when it ends. Its holder usually removes
// it shortly after its end; this waits for that, up to a time limit or until cancel_fd (borrowed) becomes readable. If
// nobody holds the container, this removes it. Must not be called by its holder. Returns immediately for a container
// that is running or stays.
void see_off(Engine& engine, const std::string& id, int cancel_fd = -1);

}  // namespace consort::engine
