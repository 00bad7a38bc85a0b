// Containers that are removed when they end (--rm), but whose owner (CreatedContainer::hold) is gone.
#pragma once

#include <optional>
#include <string>

#include "engine/engine.hpp"

namespace consort::engine {

// Label of a `oneoff` container that only the command that creates it can use: once nobody holds it, it is removed even
// if it was never started.
inline constexpr const char* for_maker_alone = "consort.for-maker-alone";

// The container is to be removed, and will not run again by itself. Its hold tells whether its owner is gone.
bool is_to_go(const Container& container, const ContainerSpec& spec);

// Removes those of one project, or of all. Returns how many there were.
Result<std::size_t> remove_left_behind(Engine& engine, const std::optional<std::string>& project = {});

// After a stop: if the container is to be removed when it ends, returns once it is gone. Its holder removes it within
// moments of its end, and is waited for, unless cancel_fd (borrowed) becomes readable; if nobody holds it, it is
// removed here. Must not be called by the holder itself. A container that is running, or is not to be removed, is not
// waited for.
void see_off(Engine& engine, const std::string& id, int cancel_fd = -1);

}  // namespace consort::engine
