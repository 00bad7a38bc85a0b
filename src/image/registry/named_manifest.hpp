// Fetches the manifest of a name from a registry; if there is none, the error has Docker's text and a hint.
#pragma once

#include "image/reference.hpp"
#include "image/registry/registry.hpp"

namespace consort::image {

// Errors: "manifest for x:y not found: ..." (hint: the tags that look like it), "repository x not found: ...", "pull
// access denied for x, repository does not exist or may require 'docker login': ..." (hint: consort login HOST).
Result<Registry::Document> fetch_named(Registry& registry, const Reference& reference);

}  // namespace consort::image
