// The default names of a project's file, in search order.
#pragma once

#include <array>
#include <string_view>

namespace consort::compose {

inline constexpr std::array<std::string_view, 4> default_names{"compose.yaml", "compose.yml", "docker-compose.yml",
                                                               "docker-compose.yaml"};

}  // namespace consort::compose
