// Images as Docker's API shows them.
#pragma once

#include "base/json.hpp"
#include "engine/images.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

// version: of the API, whose older ones have a VirtualSize.
Json listed_image(const image::Image& image, const image::ImageConfig& config, int containers, unsigned version);
Result<Json> inspected_image(const engine::Images& images, const image::Image& image, unsigned version);
// What versions below 1.45 show besides: of a commit the container that it was made of, as long as the engine's events
// tell of it, and how that was configured, as long as it is there and this socket shows it.
Result<Json> with_container(Call& call, Json inspected);
Result<Json> history_of(const engine::Images& images, const image::Image& image);  // newest first

}  // namespace consort::serve
