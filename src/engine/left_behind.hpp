// Containers that are removed when they end (--rm) and whose owner (CreatedContainer::hold) is gone.
#pragma once

#include <string>

#include "engine/engine.hpp"

namespace consort::engine {

// Label of a one-off container that only the command that creates it needs: once no process holds it, it is removed
// even if it was never started.
inline constexpr const char* for_maker_alone = "consort.for-maker-alone";

// The container has ended or could not be started: it will not run again by itself.
bool is_over(const ContainerState& state);

// It is to go, and is over; or a command was about to run it, which whoever holds it may still do. Whether it is left
// behind (Engine::remove_left_behind), its hold says.
bool is_to_go(const Container& container, const ContainerSpec& spec);

// After a stop: returns once the container has gone, if it is one that goes when it ends. Whoever holds it removes it
// within moments of its end, and is waited for as long as that may take, unless cancel_fd becomes readable; one that
// nobody holds is removed here. Not for who holds it himself. A container that runs, or stays, is not waited for.
void see_off(Engine& engine, const std::string& id, int cancel_fd = -1);

}  // namespace consort::engine
