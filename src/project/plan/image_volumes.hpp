// Images that a container mounts. The mounts have their names, which may come to mean other images: what they meant is
// kept in a label.
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

// One that is mounted at `target`, as the label has it.
std::string image_volume(const std::string& target, const std::string& image_id);
// Says which has changed. Of containers that were made before there was such a label it is not known.
std::optional<std::string> changed_image_volume(const compose::Service& service, const engine::Container& container,
                                                const Observed& observed);

}  // namespace consort::project
