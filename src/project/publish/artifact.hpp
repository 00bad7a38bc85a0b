// The files of a project as an artifact for a registry: as Docker Compose writes and reads it.
#pragma once

#include <string>

#include "compose/model.hpp"
#include "engine/documents.hpp"

namespace consort::project {

enum class OciVersion : std::uint8_t { v1_0, v1_1 };

// Every Compose file as a layer, in order; each file that is extended and each env file as one next to them, under a
// name made of its content, which the texts then say. Code::invalid, with the words of Docker Compose, where the
// project includes files of this machine. `digests`: a last Compose file that pins the images; "": none.
Result<image::Documents> project_documents(const compose::Project& project, const std::string& digests);

// The manifest's types by the version of OCI's image specification: 1.0 knows no artifacts, so the configuration's type
// says what it is.
void set_types(image::Documents& documents, OciVersion version);

}  // namespace consort::project
