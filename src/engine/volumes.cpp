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
                      "error looking up volume plugin " + spec.driver + ": plugin \"" + spec.driver + "\" not found")
                    .about(Subject::setting, "driver"));
  }
  if (!volume.anonymous) TRY(volume::check_name(volume.spec.name));
  if (auto known = volume::check_options(volume.spec.driver_opts); !known)
    return fail(std::move(known).error().about(Subject::setting, "driver_opts"));
  const Fd lock = TRY(volume::lock_volumes(roots));
  const volume::Recorded recorded = TRY(is_recorded(volume.spec.name));
  TRY(volume::settle(roots, volume.spec.name, recorded));
  // The directory first: a record only names what exists.
  TRY(volume::create_directory(roots, volume.spec.name, recorded));
  auto [made, created] = TRY(records.add_volume(volume));
  made.mountpoint = roots.volume_data(made.spec.name);
  return std::move(made);
}

Result<volume::Recorded> Engine::Impl::is_recorded(const std::string& volume) {
  Result<Volume> record = records.find_volume(volume);
  if (record) return volume::Recorded::yes;
  if (record.error().code() == Code::not_found) return volume::Recorded::no;
  return fail(std::move(record).error().wrap("find volume", volume));
}

Result<> Engine::Impl::remove_volume(const std::string& name) {
  Trash::Item files;
  {
    const Fd lock = TRY(volume::lock_volumes(roots));
    const Volume volume = TRY(records.find_volume(name));
    TRY(records.check_volume_unused(name));
    TRY(volume::settle(roots, name, volume::Recorded::yes));
    TRY(volume::unmount_volume(roots, name, volume.spec.driver_opts));
    volume::Removal removal = TRY(volume::Removal::begin(roots, name));
    if (Result<> forgotten = records.forget_volume(name); !forgotten) {
      if (Result<> back = removal.take_back(); !back)
        return fail(std::move(forgotten).error().also(std::move(back).error()));
      return forgotten;
    }
    files = TRY(removal.commit());
  }
  if (Result<> removed = volume::remove_files(roots, std::move(files)); !removed)
    return fail(std::move(removed).error().wrap("remove volume", name));
  return {};
}

Result<> Engine::Impl::settle_volumes() {
  const std::vector<std::string> names = volume::unsettled(roots);
  if (!names.empty()) {
    const Fd lock = TRY(volume::lock_volumes(roots));
    for (const std::string& name : names) TRY(volume::settle(roots, name, TRY(is_recorded(name))));
  }
  return volume::sweep_files(roots);
}

Result<Volume> Engine::create_volume(const VolumeSpec& spec) {
  return impl_->ensure_volume(spec);
}

Result<> Engine::remove_volume(const std::string& name, Force force) {
  (void)remove_left_behind();
  Result<> removed = impl_->remove_volume(name);
  if (!removed && force == Force::yes && removed.error().code() == Code::not_found) return {};
  return removed;
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
