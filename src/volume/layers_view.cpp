#include "volume/layers_view.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>

#include "base/os/file.hpp"
#include "base/os/overlay_view.hpp"
#include "base/strings.hpp"

namespace consort::volume {

namespace {

Result<> set_option(int fs, const char* key, const std::string& value) {
  if (::fsconfig(fs, FSCONFIG_SET_STRING, key, value.c_str(), 0) != 0) return fail_errno("set mount option", key);
  return {};
}

std::string path_of(const Fd& fd) {
  std::array<char, 4096> path;
  const ssize_t length = ::readlink(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), path.data(), path.size());
  return length < 0 ? std::string() : std::string(path.data(), static_cast<std::size_t>(length));
}

bool is_opaque(const std::string& folder) {
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque"}) {
    char value = 0;
    if (::lgetxattr(folder.c_str(), name, &value, 1) == 1 && value == 'y') return true;
  }
  return false;
}

struct LayerPart {
  std::string path;  // "": this layer has none
  bool directory = false;
  bool hides_lower = false;  // an opaque directory, a whiteout or a file on the way
};

// names: without links, from the layer's root.
LayerPart part_in(const std::string& layer, const std::vector<std::string>& names) {
  LayerPart part;
  std::string path = layer;
  struct stat st {};
  for (std::size_t i = 0; i < names.size(); ++i) {
    path += "/" + names[i];
    if (::lstat(path.c_str(), &st) != 0) return part;
    part.directory = S_ISDIR(st.st_mode);
    if (!part.directory) {
      part.hides_lower = true;
      const bool whiteout = S_ISCHR(st.st_mode) && st.st_rdev == 0;
      if (!whiteout && i + 1 == names.size()) part.path = path;
      return part;
    }
    part.hides_lower = part.hides_lower || is_opaque(path);
  }
  part.path = path;
  return part;
}

}  // namespace

Result<LayersPath> find_in_layers(std::span<const std::string> layers, const std::string& scratch,
                                  const std::string& subpath) {
  const Fd root = TRY(open_layers(layers, scratch));
  const Result<Fd> found = open_in_root(root.get(), subpath, O_PATH);
  if (!found) return fail(errno_error(found.error().sys_errno(), "cannot access path " + subpath + " of the image"));
  struct stat st {};
  if (::fstat(found->get(), &st) != 0) return fail_errno("inspect", subpath);
  const std::string top = path_of(root);
  std::string real = path_of(*found);
  if (top.size() > 1 && real.starts_with(top)) real.erase(0, top.size());
  std::vector<std::string> names = split(real, '/');
  std::erase(names, "");
  LayersPath result;
  result.kind = S_ISDIR(st.st_mode) ? LayersPath::Kind::directory : LayersPath::Kind::other;
  for (const std::string& layer : layers) {
    LayerPart part = part_in(layer, names);
    const bool fits = part.directory == (result.kind == LayersPath::Kind::directory);
    if (!part.path.empty() && fits) result.paths.push_back(std::move(part.path));
    if (part.hides_lower) break;
  }
  if (result.paths.empty()) return fail(Code::not_found, "find path " + subpath + " in the image");
  return result;
}

Result<Fd> open_layers(std::span<const std::string> layers, const std::string& scratch) {
  if (layers.empty()) return fail(Code::internal, "open layers", "without any");
  // overlayfs wants at least two; one alone has nothing to be merged with (and no whiteouts to hide).
  if (layers.size() == 1) return open_file(layers.front(), O_RDONLY | O_DIRECTORY);
  Result<Fd> view = open_merged(layers, scratch + "/view-XXXXXX");
  if (!view) return fail(std::move(view).error().wrap("look into the image's layers"));
  return view;
}

Result<Fd> open_container_layers(std::span<const std::string> layers, const std::string& upper,
                                 const std::string& work) {
  const Fd fs(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!fs) return fail_errno("open file system", "overlay");
  for (const std::string& layer : layers) TRY(set_option(fs.get(), "lowerdir+", layer));
  TRY(set_option(fs.get(), "upperdir", upper));
  TRY(set_option(fs.get(), "workdir", work));
  if (::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return fail_errno("create overlay");
  Fd mount(::fsmount(fs.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID));
  if (!mount) return fail_errno("mount overlay");
  return mount;
}

}  // namespace consort::volume
