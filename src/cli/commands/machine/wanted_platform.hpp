// --platform: selects one of the platforms of an image.
#pragma once

#include <optional>

#include "cli/args/flags.hpp"
#include "engine/images.hpp"

namespace consort::cli {

inline Result<std::optional<image::Platform>> wanted_platform(const ParsedFlags& flags) {
  if (!flags.has("platform")) return std::nullopt;
  return TRY(image::Platform::parse(flags.text("platform")));
}

}  // namespace consort::cli
