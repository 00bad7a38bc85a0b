// Converts images to the JSON of Docker's API.
#pragma once

#include "base/json.hpp"
#include "engine/images.hpp"

namespace consort::serve {

// version: of the API; older ones show more.
Json listed_image(const image::Image& image, const image::ImageConfig& config, int containers, unsigned version);
Result<Json> inspected_image(const engine::Images& images, const image::Image& image, unsigned version);
Result<Json> history_of(const engine::Images& images, const image::Image& image);  // newest first

}  // namespace consort::serve
