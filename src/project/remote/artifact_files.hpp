// Reads Docker Compose's artifact format for projects: one layer per file.
#pragma once

#include <string>

#include "engine/documents.hpp"

namespace consort::project {

namespace artifact {
inline constexpr const char* project_type = "application/vnd.docker.compose.project";
inline constexpr const char* old_config_type = "application/vnd.docker.compose.config.empty.v1+json";
inline constexpr const char* empty_config_type = "application/vnd.oci.empty.v1+json";
inline constexpr const char* compose_type = "application/vnd.docker.compose.file+yaml";
inline constexpr const char* env_type = "application/vnd.docker.compose.envfile";
inline constexpr const char* version_note = "com.docker.compose.version";
inline constexpr const char* file_note = "com.docker.compose.file";
inline constexpr const char* env_note = "com.docker.compose.envfile";
inline constexpr const char* extends_note = "com.docker.compose.extends";
}  // namespace artifact

bool is_project_artifact(const image::Documents& described);

// Writes the files of an artifact into a directory: "compose.yaml" with all Compose files as documents, and next to it
// the extended files and env files. Names come from the artifact; those that are not plain file names are refused.
Result<> write_artifact_files(const image::Documents& documents, const std::string& directory);

}  // namespace consort::project
