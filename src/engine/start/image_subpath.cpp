#include "engine/start/image_subpath.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "volume/layers_view.hpp"

namespace consort::engine {

namespace {

bool is_opaque(const std::string& directory) {
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque"}) {
    char value = 0;
    if (::lgetxattr(directory.c_str(), name, &value, 1) == 1 && value == 'y') return true;
  }
  return false;
}

class Search {
 public:
  explicit Search(const std::string& subpath) : subpath_(subpath), names_(split(subpath, '/')) {}

  Result<LayersPart> run(const std::vector<std::string>& layers) {
    for (const std::string& layer : layers)
      if (TRY(look_at(layer)) == Below::hidden) break;
    if (part_.directories.empty() && part_.file.empty()) return invalid("no such file or directory");
    return std::move(part_);
  }

 private:
  enum class Below : std::uint8_t { shown, hidden };  // what the layers under this one have there

  std::unexpected<Error> invalid(const char* why) const {
    return fail(Error(Code::invalid, "invalid image subpath: " + subpath_ + ": " + why));
  }

  Result<Below> look_at(const std::string& layer) {
    Below below = Below::shown;
    std::string path = layer;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      path += "/" + names_[i];
      struct stat st;
      if (::lstat(path.c_str(), &st) != 0) return below;
      if (S_ISCHR(st.st_mode) && st.st_rdev == 0) return Below::hidden;  // it was removed
      if (S_ISLNK(st.st_mode)) return invalid("it leads through a symbolic link");
      if (!S_ISDIR(st.st_mode)) {
        if (i + 1 == names_.size() && part_.directories.empty()) part_.file = path;
        return Below::hidden;
      }
      if (is_opaque(path)) below = Below::hidden;
    }
    part_.directories.push_back(path);
    return below;
  }

  const std::string& subpath_;
  std::vector<std::string> names_;
  LayersPart part_;
};

}  // namespace

Result<LayersPart> part_of_layers(const std::vector<std::string>& layers, const std::string& subpath) {
  const std::string clean = clean_path(subpath);
  if (subpath.starts_with('/') || clean == ".." || clean.starts_with("../"))
    return fail(Error(Code::invalid, "invalid image subpath: " + subpath + ": path must be relative and stay inside"));
  if (clean == ".") return LayersPart{.directories = layers, .file = {}};
  return Search(clean).run(layers);
}

Result<LayersPart> mounted_part(const Roots& roots, const std::vector<std::string>& layers,
                                const std::string& subpath) {
  const std::string clean = clean_path(subpath);
  if (subpath.empty() || subpath.starts_with('/') || clean == ".." || clean.starts_with("../"))
    return part_of_layers(layers, subpath);
  return part_of_layers(layers, TRY(volume::real_path_in_layers(layers, roots.run + "/views", subpath)));
}

}  // namespace consort::engine
