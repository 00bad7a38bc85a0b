// What an image is, as text that two builders can be compared by: its files and its configuration.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "image/store.hpp"

namespace consort::build {

// One line per file, sorted: type, mode, owner, path, then size and digest, or the link's target, or the device.
Result<std::string> describe_files(const image::Store& store, const image::Image& image);
// The part of the configuration that does not depend on when and where it was built, as JSON with sorted keys.
Result<std::string> describe_config(const image::Store& store, const image::Image& image);

}  // namespace consort::build
