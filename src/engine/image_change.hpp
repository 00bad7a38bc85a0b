// image import --change: Dockerfile instructions that affect only the configuration.
#pragma once

#include <string>

#include "base/error.hpp"
#include "engine/images.hpp"

namespace consort::engine {

// Supports CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR.
Result<> apply_change(const std::string& instruction, image::ImageConfig& config);

}  // namespace consort::engine
