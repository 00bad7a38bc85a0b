#include "volume/layers_view.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/os/files/file.hpp"
#include "base/os/files/link.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/os/trees/overlay_view.hpp"

namespace consort::volume {

namespace {

Result<> set_option(int fs, const char* key, const std::string& value) {
  if (::fsconfig(fs, FSCONFIG_SET_STRING, key, value.c_str(), 0) != 0) return fail_errno("set mount option", key);
  return {};
}

std::string path_of(const Fd& fd) {
  return read_link_at(AT_FDCWD, "/proc/self/fd/" + std::to_string(fd.get())).value_or(std::string());
}

}  // namespace

Result<std::string> real_path_in_layers(std::span<const std::string> layers, const std::string& scratch,
                                        const std::string& path) {
  const Fd root = TRY(open_layers(layers, scratch));
  const Result<Fd> found = open_in_root(root.get(), path, O_PATH);
  if (!found) return path;
  const std::string top = path_of(root);
  std::string real = path_of(*found);
  if (top.size() > 1 && real.starts_with(top)) real.erase(0, top.size());
  while (real.starts_with('/')) real.erase(0, 1);
  return real;
}

Result<Fd> open_layers(std::span<const std::string> layers, const std::string& scratch) {
  if (layers.empty()) return fail(Code::internal, "open layers", "without any");
  Result<Fd> view = open_merged(layers, scratch + "/view-XXXXXX");
  if (!view) return fail(std::move(view).error().wrap("look into the image's layers"));
  return view;
}

Result<Fd> open_container_layers(std::span<const std::string> given, const std::string& upper,
                                 const std::string& work) {
  std::vector<std::string> layers(given.begin(), given.end());
  keep_topmost(layers);
  const Fd fs(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!fs) return fail_errno("open file system", "overlay");
  for (const std::string& layer : layers) TRY(set_option(fs.get(), "lowerdir+", layer));
  TRY(set_option(fs.get(), "upperdir", overlay_value(upper)));
  TRY(set_option(fs.get(), "workdir", overlay_value(work)));
  if (in_user_namespace()) ::fsconfig(fs.get(), FSCONFIG_SET_FLAG, "userxattr", nullptr, 0);
  if (::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return fail_errno("create overlay");
  Fd mount(::fsmount(fs.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID));
  if (!mount) return fail_errno("mount overlay");
  return mount;
}

}  // namespace consort::volume
