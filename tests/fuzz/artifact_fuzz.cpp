// An artifact of Compose files at a registry: its manifest, and a line that stands for the content of each of its
// files. Whatever names it gives them, nothing may come to lie outside of the directory.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "image/registry/described.hpp"
#include "project/remote/artifact_files.hpp"

using namespace consort;

namespace {

class Directory {
 public:
  Directory() {
    char pattern[] = "/tmp/consort-fuzz-XXXXXX";
    if (!::mkdtemp(pattern)) std::abort();
    outer_ = pattern;
    std::filesystem::create_directory(inner());
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(outer_); }
  std::string inner() const { return outer_ + "/artifact"; }

  // Plain files in the inner directory, and nothing beside it.
  bool is_as_it_may_be() const {
    const auto is_file = [](const auto& entry) { return entry.is_regular_file() && !entry.is_symlink(); };
    return std::ranges::distance(std::filesystem::directory_iterator(outer_)) == 1 &&
           std::ranges::all_of(std::filesystem::directory_iterator(inner()), is_file);
  }

 private:
  std::string outer_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find('\0'), size);
  auto described = image::describe_documents(text.substr(0, end), "", "fuzz");
  if (!described || !*described) return 0;
  image::Documents& documents = (*described)->documents;
  if ((*described)->layers.size() != documents.layers.size()) std::abort();
  for (image::Document& layer : documents.layers) layer.content = text.substr(end);
  if (!project::is_project_artifact(documents)) return 0;
  const Directory directory;
  (void)project::write_artifact_files(documents, directory.inner());
  if (!directory.is_as_it_may_be()) std::abort();
  return 0;
}
