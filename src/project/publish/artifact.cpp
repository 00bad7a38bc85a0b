#include "project/publish/artifact.hpp"

#include <set>

#include "base/os/files/file.hpp"
#include "base/sha256.hpp"
#include "base/version.hpp"
#include "compose/elsewhere.hpp"
#include "compose/references.hpp"
#include "compose/source.hpp"
#include "project/remote/artifact_files.hpp"

namespace consort::project {

namespace {

constexpr std::size_t text_limit = 4 << 20;
constexpr int depth_limit = 50;  // of a chain of files that extend files

class Packer {
 public:
  explicit Packer(const compose::Project& project) : project_(project) {}

  Result<> add_compose_file(const std::string& path) {
    const compose::Source* source = project_.sources ? project_.sources->by_path(path) : nullptr;
    const std::string text = source ? source->original() : TRY(read_file(path, text_limit));
    const std::string packed = TRY(with_packed_references(path, text, project_.working_directory, 0));
    compose_.push_back(layer(artifact::compose_type, artifact::file_note, base_name(path), packed));
    return {};
  }

  void add_text(const std::string& name, const std::string& text) {
    compose_.push_back(layer(artifact::compose_type, artifact::file_note, name, text));
  }

  image::Documents take() {
    image::Documents documents;
    documents.layers = std::move(compose_);
    for (image::Document& each : beside_) documents.layers.push_back(std::move(each));
    return documents;
  }

 private:
  static image::Document layer(const char* type, const char* note, const std::string& name, std::string content) {
    return {type, {{artifact::version_note, compose_version}, {note, name}}, std::move(content)};
  }

  Result<std::string> with_packed_references(const std::string& path, const std::string& text, const std::string& base,
                                             int depth) {
    if (depth > depth_limit) return fail(Error(Code::invalid, "publish").on(path).why("files extend one another"));
    std::vector<compose::NamedFile> references = TRY(compose::file_references(path, text));
    for (compose::NamedFile& reference : references) {
      if (compose::is_elsewhere(reference.written)) continue;
      if (reference.kind == compose::NamedFile::Kind::include)
        return fail(Error(Code::invalid, "cannot publish compose file with local includes")
                        .hint("publish " + reference.written + " on its own, and include it as oci://..."));
      // With a variable in it, the path may name a different file on another machine.
      if (reference.written.find('$') != std::string::npos) continue;
      if (reference.kind == compose::NamedFile::Kind::extends)
        TRY(pack_extended(reference, base, depth));
      else
        TRY(pack_env_file(reference, base));
    }
    return compose::replace_references(text, references);
  }

  Result<> pack_extended(compose::NamedFile& reference, const std::string& base, int depth) {
    const std::string path = join_path(base, reference.written);
    const std::string text =
        TRY(with_packed_references(path, TRY(read_file(path, text_limit)), dir_name(path), depth + 1));
    const std::string name = sha256_hex(text) + ".yaml";
    reference.place.replacement = name;
    if (!names_.insert(name).second) return {};
    image::Document made = layer(artifact::compose_type, artifact::file_note, name, text);
    made.annotations[artifact::extends_note] = "true";
    beside_.push_back(std::move(made));
    return {};
  }

  Result<> pack_env_file(compose::NamedFile& reference, const std::string& base) {
    const std::string path = join_path(base, reference.written);
    if (!reference.required && !path_exists(path)) return {};
    const std::string text = TRY(read_file(path, text_limit));
    const std::string name = sha256_hex(text) + ".env";
    reference.place.replacement = name;
    if (names_.insert(name).second) beside_.push_back(layer(artifact::env_type, artifact::env_note, name, text));
    return {};
  }

  const compose::Project& project_;
  std::vector<image::Document> compose_;
  std::vector<image::Document> beside_;
  std::set<std::string> names_;
};

}  // namespace

Result<image::Documents> project_documents(const compose::Project& project, const std::string& digests) {
  Packer packer(project);
  for (const std::string& path : project.compose_files) TRY(packer.add_compose_file(path));
  if (!digests.empty()) packer.add_text("image-digests.yaml", digests);
  return packer.take();
}

void set_types(image::Documents& documents, OciVersion version) {
  documents.config = "{}";
  documents.artifact_type = version == OciVersion::v1_1 ? artifact::project_type : "";
  documents.config_type = version == OciVersion::v1_1 ? artifact::empty_config_type : artifact::old_config_type;
}

}  // namespace consort::project
