// Converts the files of a project to an artifact for a registry, in the format of Docker Compose.
#pragma once

#include <string>

#include "compose/model.hpp"
#include "engine/documents.hpp"

namespace consort::project {

enum class OciVersion : std::uint8_t { v1_0, v1_1 };

// One layer per Compose file, in order, and one for each extended file and env file, renamed by content, with the texts
// adapted. Code::invalid, with Docker Compose's text, if the project includes local files. `digests`: a last Compose
// file that pins the images; "": none.
Result<image::Documents> project_documents(const compose::Project& project, const std::string& digests);

// Sets the manifest's types for the version of OCI's image specification: 1.0 has no artifacts, so the configuration's
// type identifies it.
void set_types(image::Documents& documents, OciVersion version);

}  // namespace consort::project
