// Images that a container mounts. Their names may be moved to other images, so a label records the image IDs.
#pragma once

#include <optional>
#include <string>

#include "compose/model.hpp"
#include "engine/types.hpp"
#include "project/plan/observed.hpp"

namespace consort::project {

namespace label {
inline constexpr const char* image_volumes = "com.docker.compose.image-volume-digest";  // "/data=sha256:...,..."
}

// The label's entry for an image mounted at `target`.
std::string image_volume(const std::string& target, const std::string& image_id);
// Describes the change of a mounted image, if any. For containers without the label (from older versions), it is
// unknown.
std::optional<std::string> changed_image_volume(const compose::Service& service, const engine::Container& container,
                                                const Observed& observed);

}  // namespace consort::project
