// All files of a volume at once: to an archive, from one, or into another volume.
#include <fcntl.h>

#include "base/os/files/file.hpp"
#include "base/os/files/link.hpp"
#include "base/os/trees/directory.hpp"
#include "engine/engine_impl.hpp"
#include "image/layer_tar.hpp"
#include "volume/copy_tree.hpp"
#include "volume/volume.hpp"

namespace consort::engine {

namespace {

// The volume's files, mounted if driver options ask for that. What was mounted just for this is unmounted afterwards.
class OpenVolume {
 public:
  static Result<OpenVolume> open(Engine::Impl& impl, const std::string& name, bool in_use) {
    const Volume volume = TRY(impl.records.find_volume(name));
    OpenVolume opened(impl.roots, volume);
    if (!volume.spec.driver_opts.empty()) {
      TRY(volume::mount_volume(impl.roots, name, volume.spec.driver_opts));
      opened.mounted_ = !in_use;
    }
    opened.directory_ = TRY(open_file(opened.path(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return opened;
  }
  OpenVolume(OpenVolume&& other) noexcept
      : roots_(other.roots_),
        volume_(std::move(other.volume_)),
        directory_(std::move(other.directory_)),
        mounted_(std::exchange(other.mounted_, false)) {}
  OpenVolume& operator=(OpenVolume&&) = delete;
  ~OpenVolume() {
    if (!mounted_) return;
    directory_.reset();
    (void)volume::unmount_volume(roots_, volume_.spec.name, volume_.spec.driver_opts);
  }

  int fd() const { return directory_.get(); }
  // Nobody but root can replace this directory: only its contents belong to containers.
  std::string path() const { return roots_.volume_data(volume_.spec.name); }

 private:
  OpenVolume(const Roots& roots, Volume volume) : roots_(roots), volume_(std::move(volume)) {}
  const Roots& roots_;
  Volume volume_;
  Fd directory_;
  bool mounted_ = false;
};

}  // namespace

Result<Strings> Engine::running_users_of_volume(const std::string& name) {
  Strings names;
  for (const std::string& id : TRY(impl_->records.users_of_volume(name))) {
    const ContainerRecord record = TRY(impl_->load(id));
    if (TRY(impl_->observe(record.summary.project, id)).running()) names.push_back(record.summary.name);
  }
  return names;
}

Result<> Engine::export_volume(const std::string& name, int out) {
  const OpenVolume volume = TRY(OpenVolume::open(*impl_, name, !TRY(running_users_of_volume(name)).empty()));
  const image::PackOptions options{.whiteouts = image::PackOptions::Whiteouts::none, .cancel = {}};
  if (auto packed = image::pack_layer(volume.path(), image::sink_of_fd(out), options); !packed)
    return fail(std::move(packed).error().wrap("export volume", name));
  return {};
}

Result<> Engine::import_volume(const std::string& name, int in) {
  const OpenVolume volume = TRY(OpenVolume::open(*impl_, name, !TRY(running_users_of_volume(name)).empty()));
  const image::UnpackOptions options{.whiteouts = image::UnpackOptions::Whiteouts::plain};
  if (auto unpacked = image::unpack_layer(image::source_of_fd(in), volume.path(), options); !unpacked)
    return fail(std::move(unpacked).error().wrap("import into volume", name));
  return {};
}

Result<> Engine::copy_volume(const std::string& from, const std::string& to) {
  const OpenVolume source = TRY(OpenVolume::open(*impl_, from, !TRY(running_users_of_volume(from)).empty()));
  const OpenVolume target = TRY(OpenVolume::open(*impl_, to, !TRY(running_users_of_volume(to)).empty()));
  if (!TRY(list_directory(target.fd())).empty())
    return fail(Error(Code::conflict, "copy into volume").on(to).why("it is not empty"));
  if (auto copied = volume::copy_tree(source.fd(), target.fd()); !copied)
    return fail(std::move(copied).error().wrap("copy volume", from));
  return {};
}

}  // namespace consort::engine
