// What is taken from elsewhere that is no registry: archives behind an address, and indexes of images.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "engine/images.hpp"

namespace consort::engine {

// Images::import() of what lies behind an address (http, https). told: bytes so far, and of all, or 0 if that is not
// known; it is called on a thread of its own, before the first byte too.
using Downloading = std::function<Result<>(std::uint64_t now, std::uint64_t total)>;
Result<image::Image> import_from(Images images, const std::string& url, const image::ImportOptions& options,
                                 const Downloading& told, const std::stop_token& cancel);

// What an index of images finds for "postgres" or "HOST/postgres": its answer as it came, JSON with "results".
Result<std::string> search_images(const std::string& term, std::size_t limit, const std::stop_token& cancel);

}  // namespace consort::engine
