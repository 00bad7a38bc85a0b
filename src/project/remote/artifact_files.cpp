#include "project/remote/artifact_files.hpp"

#include "base/os/files/file.hpp"

namespace consort::project {

namespace {

std::string note(const image::Document& layer, const char* name) {
  const auto found = layer.annotations.find(name);
  return found == layer.annotations.end() ? "" : found->second;
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 200 && name[0] != '.' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string::npos;
}

Result<> write_beside(const std::string& directory, const std::string& name, const std::string& content) {
  if (!is_plain_name(name) || name == "compose.yaml")
    return fail(Error(Code::invalid, "read artifact").why("a file in it is called \"" + name.substr(0, 100) + "\""));
  return write_file_atomic(directory + "/" + name, content, 0600);
}

}  // namespace

bool is_project_artifact(const image::Documents& described) {
  if (!described.artifact_type.empty()) return described.artifact_type == artifact::project_type;
  return described.config_type == artifact::old_config_type;
}

Result<> write_artifact_files(const image::Documents& documents, const std::string& directory) {
  std::string compose;
  for (const image::Document& layer : documents.layers) {
    if (layer.media_type == artifact::env_type) {
      TRY(write_beside(directory, note(layer, artifact::env_note), layer.content));
    } else if (layer.media_type == artifact::compose_type && note(layer, artifact::extends_note) == "true") {
      TRY(write_beside(directory, note(layer, artifact::file_note), layer.content));
    } else if (layer.media_type == artifact::compose_type) {
      if (!compose.empty()) compose += (compose.ends_with('\n') ? "---\n" : "\n---\n");
      compose += layer.content;
    }
  }
  if (compose.empty()) return fail(Error(Code::invalid, "read artifact").why("there is no Compose file in it"));
  return write_file_atomic(directory + "/compose.yaml", compose, 0600);
}

}  // namespace consort::project
