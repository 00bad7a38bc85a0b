// Images from sources other than a registry's pull API: archives behind a URL, and image search indexes.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "engine/images.hpp"

namespace consort::engine {

// Images::import() of the archive at a URL (http, https). told: bytes received so far and the total, or 0 if unknown;
// it is called on a separate thread, for the first time before the first byte.
using Downloading = std::function<Result<>(std::uint64_t now, std::uint64_t total)>;
Result<image::Image> import_from(Images images, const std::string& url, const image::ImportOptions& options,
                                 const Downloading& told, const std::stop_token& cancel);

// Searches an image index for "postgres" or "HOST/postgres"; returns its unmodified answer, JSON with "results".
Result<std::string> search_images(const std::string& term, std::size_t limit, const std::stop_token& cancel);

}  // namespace consort::engine
