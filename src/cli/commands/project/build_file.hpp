// `build --print`: the builds of a project as a file for `docker buildx bake`.
#pragma once

#include <string>

#include "compose/model.hpp"

namespace consort::cli {

enum class PrintedGoal : std::uint8_t { image, push, check };

std::string bake_file(const compose::Project& project, PrintedGoal goal);

}  // namespace consort::cli
