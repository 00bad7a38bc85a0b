// Creates the OCI manifest of an artifact from its compressed layers.
#pragma once

#include "image/artifact.hpp"
#include "image/registry/manifest.hpp"

namespace consort::image {

Manifest artifact_manifest(const NewArtifact& artifact, const Digest& config, std::vector<Descriptor> layers);

}  // namespace consort::image
