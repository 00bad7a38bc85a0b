// "did you mean": the name at most two letters away, upper and lower case apart.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace consort::build {

std::optional<std::string> suggestion(std::string_view word, std::span<const std::string> known);

}  // namespace consort::build
