// What a name stands for at a registry; if it stands for nothing there, Docker's words for it and what to try.
#pragma once

#include "image/reference.hpp"
#include "image/registry/registry.hpp"

namespace consort::image {

// Errors: "manifest for x:y not found: ..." (hint: the tags that look like it), "repository x not found: ...", "pull
// access denied for x, repository does not exist or may require 'docker login': ..." (hint: consort login HOST).
Result<Registry::Document> fetch_named(Registry& registry, const Reference& reference);

}  // namespace consort::image
