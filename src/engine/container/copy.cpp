// Files into and out of containers, as tar archives (/containers/{id}/archive of Docker's Engine API).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os/files/file.hpp"
#include "base/os/files/link.hpp"
#include "base/os/files/real_path.hpp"
#include "base/os/processes/container_users.hpp"
#include "base/volume_part.hpp"
#include "engine/container/place.hpp"
#include "image/container_tar.hpp"
#include "volume/layers_view.hpp"

namespace consort::engine {

namespace {

// The mount that holds the path, the deepest one; nullptr: none.
const MountPoint* mount_of(const ContainerRecord& record, const std::string& path) {
  const MountPoint* best = nullptr;
  for (const MountPoint& mount : record.summary.mounts) {
    if (mount.type != MountType::volume && mount.type != MountType::bind) continue;
    if (lies_in(path, mount.target) && (!best || mount.target.size() > best->target.size())) best = &mount;
  }
  return best;
}

Result<Fd> open_source(const Roots& roots, const std::string& path) {
  if (auto part = TRY(open_part_of_volume(roots, path))) return std::move(*part);
  return open_file(path, O_PATH | O_DIRECTORY);
}

}  // namespace

Result<Place> find_place(Engine::Impl& impl, const std::string& id, const std::string& text) {
  const ContainerRecord record = TRY(impl.load(id));
  const ContainerState state = TRY(impl.observe(record.summary.project, record.summary.id));
  const std::string path = clean_path("/" + text);
  const MountPoint* mount = mount_of(record, path);
  const bool read_only = mount ? mount->read_only : record.spec.read_only;
  if (state.pid > 0) {
    const Fd process = TRY(impl.process_directory(id));
    Fd root = TRY(open_at(process.get(), "root", O_PATH | O_DIRECTORY));
    const std::uint32_t owner = TRY(root_of_process(state.pid));
    return Place{.root = std::move(root), .path = path, .read_only = read_only, .first_owner = owner};
  }
  if (mount) {
    if (path == mount->target) {
      Fd directory = TRY(open_source(impl.roots, dir_name(mount->source)));
      return Place{.root = std::move(directory), .path = "/" + base_name(mount->source), .read_only = read_only};
    }
    Fd root = TRY(open_source(impl.roots, mount->source));
    return Place{.root = std::move(root), .path = "/" + path.substr(mount->target.size()), .read_only = read_only};
  }
  const auto image = TRY(impl.image_facts(record.summary.image_id));
  const std::string bundle = impl.container_directory(record.summary.id);
  Fd root = TRY_WRAP(volume::open_container_layers(image->layers, bundle + "/upper", bundle + "/work"),
                     "look into container", record.summary.name);
  return Place{.root = std::move(root), .path = path, .read_only = read_only};
}

namespace {

std::string path_of(const Fd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

Error not_there(const std::string& id, const std::string& path) {
  return Error(Code::not_found, "Could not find the file " + path + " in container " + id);
}

}  // namespace

Result<PathKind> Engine::kind_of_path(const std::string& id, const std::string& path, Links links) {
  const Place place = TRY(find_place(*impl_, id, path));
  const Result<Fd> found = open_in_root(place.root.get(), place.path, O_PATH | (links == Links::keep ? O_NOFOLLOW : 0));
  if (!found) return PathKind::missing;
  struct stat st;
  if (::fstat(found->get(), &st) != 0) return fail_errno("look at", path);
  return S_ISDIR(st.st_mode) ? PathKind::directory : PathKind::other;
}

Result<> Engine::copy_out(const std::string& id, const std::string& path, int out, Links links) {
  Place place = TRY(find_place(*impl_, id, path));
  impl_->note(TRY(impl_->load(id)).summary, "archive-path");
  const image::ByteSink sink = image::sink_of_fd(out);
  const image::PackOptions options{.whiteouts = image::PackOptions::Whiteouts::none, .cancel = {}};
  for (int hops = 0; place.path != "/"; ++hops) {
    const Result<Fd> directory = open_in_root(place.root.get(), dir_name(place.path), O_PATH | O_DIRECTORY);
    const std::string name = base_name(place.path);
    struct stat st;
    if (!directory || hops == 40 || ::fstatat(directory->get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
      return fail(not_there(id, path));
    if (links == Links::keep || !S_ISLNK(st.st_mode))
      return image::pack_entry_of(place.first_owner, directory->get(), name, base_name(clean_path("/" + path)), sink,
                                  options);
    const std::string target = TRY(read_link_at(directory->get(), name));
    place.path = clean_path(target.starts_with('/') ? target : dir_name(place.path) + "/" + target);
  }
  (void)TRY(image::pack_layer_of(place.first_owner, path_of(place.root), sink, options));
  return {};
}

Result<> Engine::copy_in(const std::string& id, const std::string& path, int in) {
  const Place place = TRY(find_place(*impl_, id, path));
  if (place.read_only) return fail(Error(Code::denied, "container rootfs is marked read-only"));
  const Result<Fd> found = open_in_root(place.root.get(), place.path, O_RDONLY | O_DIRECTORY);
  if (!found) return fail(not_there(id, path));
  TRY(image::unpack_for(place.first_owner, image::source_of_fd(in), path_of(*found),
                        {.whiteouts = image::UnpackOptions::Whiteouts::plain}));
  impl_->note(TRY(impl_->load(id)).summary, "extract-to-dir");
  return {};
}

}  // namespace consort::engine
