// Describes an image's files and configuration as text, to compare two builders.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "image/store.hpp"

namespace consort::build {

// One line per file, sorted: type, mode, owner and path, then size and digest, the link's target, or the device.
Result<std::string> describe_files(const image::Store& store, const image::Image& image);
// The parts of the configuration that do not depend on when and where it was built, as JSON with sorted keys.
Result<std::string> describe_config(const image::Store& store, const image::Image& image);

}  // namespace consort::build
