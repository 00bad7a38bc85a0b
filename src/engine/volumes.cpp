#include <algorithm>

#include "base/strings.hpp"
#include "engine/engine_impl.hpp"
#include "volume/volume.hpp"

namespace consort::engine {

Result<Volume> Engine::Impl::ensure_volume(const VolumeSpec& spec) {
  Volume volume;
  volume.spec = spec;
  volume.anonymous = spec.name.empty();
  volume.created_at = system_now();
  if (volume.anonymous) volume.spec.name = random_id();
  if (volume.spec.driver.empty()) volume.spec.driver = "local";
  if (volume.spec.driver != "local") {
    return fail(Error(Code::not_found,
                      "error looking up volume plugin " + spec.driver + ": plugin \"" + spec.driver + "\" not found"));
  }
  if (!volume.anonymous) TRY(volume::check_name(volume.spec.name));
  TRY(volume::check_options(volume.spec.driver_opts));
  if (volume::is_being_removed(roots, volume.spec.name)) TRY(finish_removal(volume.spec.name));
  // The folder first: a record names only what is there.
  TRY(volume::create_folder(roots, volume.spec.name));
  auto [recorded, created] = TRY(records.add_volume(volume));
  recorded.mountpoint = roots.volume_data(recorded.spec.name);
  return std::move(recorded);
}

// A removal that was cut short after its record had gone: the old content must not come back.
Result<> Engine::Impl::finish_removal(const std::string& name) {
  Result<Volume> record = records.find_volume(name);
  if (record) return volume::unmark_for_removal(roots, name);
  if (record.error().code() != Code::not_found) return std::unexpected(std::move(record).error());
  return volume::remove_folder(roots, name);
}

Result<Volume> Engine::create_volume(const VolumeSpec& spec) {
  return impl_->ensure_volume(spec);
}

Result<> Engine::remove_volume(const std::string& name, Force force) {
  Result<Volume> volume = impl_->records.find_volume(name);
  if (!volume) {
    if (force == Force::yes && volume.error().code() == Code::not_found) return {};
    return std::unexpected(std::move(volume).error());
  }
  TRY(volume::mark_for_removal(impl_->roots, name));
  if (Result<> forgotten = impl_->records.forget_volume(name); !forgotten) {
    TRY(volume::unmark_for_removal(impl_->roots, name));
    return forgotten;
  }
  TRY(volume::unmount_volume(impl_->roots, name, volume->spec.driver_opts));
  return volume::remove_folder(impl_->roots, name);
}

Result<Volume> Engine::inspect_volume(const std::string& name) {
  Volume volume = TRY(impl_->records.find_volume(name));
  volume.mountpoint = impl_->roots.volume_data(name);
  return volume;
}

Result<std::vector<Volume>> Engine::list_volumes(const StringMap& labels) {
  std::vector<Volume> volumes = TRY(impl_->records.list_volumes());
  std::erase_if(volumes, [&](const Volume& volume) { return !matches_labels(volume.spec.labels, labels); });
  for (Volume& volume : volumes) volume.mountpoint = impl_->roots.volume_data(volume.spec.name);
  return volumes;
}

Result<> Engine::Impl::unmount_unused(const ContainerRecord& record) {
  for (const MountPoint& mount : record.summary.mounts) {
    if (mount.type != MountType::volume) continue;
    const Result<Volume> volume = records.find_volume(mount.name);
    if (!volume || volume->spec.driver_opts.empty()) continue;
    bool used = false;
    for (const std::string& user : TRY(records.users_of_volume(mount.name))) {
      if (user == record.summary.id) continue;
      const ContainerRecord other = TRY(records.load_container(user));
      used = used || TRY(observe(other.summary.project, user)).running();
    }
    if (!used) TRY(volume::unmount_volume(roots, mount.name, volume->spec.driver_opts));
  }
  return {};
}

}  // namespace consort::engine
