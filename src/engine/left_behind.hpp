// Containers that go when they end (--rm), and whose owner (CreatedContainer::hold) has left them behind.
#pragma once

#include <optional>
#include <string>

#include "engine/engine.hpp"

namespace consort::engine {

// A label of a container, made with `oneoff`, that is of use only to the command that makes it: once nobody holds it,
// it is to go even if it was never started.
inline constexpr const char* for_maker_alone = "consort.for-maker-alone";

// It is to go, and will not run any more by itself. Whether it is left behind, its hold says.
bool is_to_go(const Container& container, const ContainerSpec& spec);

// Removes them, of one project or of all. How many they were.
Result<std::size_t> remove_left_behind(Engine& engine, const std::optional<std::string>& project = {});

}  // namespace consort::engine
