#include "engine/container/volumes_along.hpp"

#include <algorithm>
#include <utility>

namespace consort::engine {

VolumesAlong::~VolumesAlong() {
  for (Hidden& volume : hidden_) (void)volume.removal.take_back();  // else settle_volumes() does, sooner or later
}

void VolumesAlong::keep(Result<> outcome) {
  if (!outcome && outcome_) outcome_ = std::move(outcome);
}

Result<> VolumesAlong::hide_one(const std::string& volume, const std::string& container) {
  Result<Volume> record = impl_.records.find_volume(volume);
  if (!record && record.error().code() == Code::not_found) return {};
  if (!record) return fail(std::move(record).error());
  const Strings users = TRY(impl_.records.users_of_volume(volume));
  // Another container (volumes_from, a successor) goes on with it.
  if (std::ranges::any_of(users, [&](const std::string& user) { return user != container; })) return {};
  TRY(volume::settle(impl_.roots, volume, volume::Recorded::yes));
  TRY(volume::unmount_volume(impl_.roots, volume, record->spec.driver_opts));
  volume::Removal removal = TRY(volume::Removal::begin(impl_.roots, volume));
  hidden_.push_back({.name = volume, .removal = std::move(removal)});
  return {};
}

void VolumesAlong::hide(const Container& container) {
  Strings names;
  for (const MountPoint& mount : container.mounts)
    if (mount.anonymous && std::ranges::count(names, mount.name) == 0) names.push_back(mount.name);
  if (names.empty()) return;
  Result<Fd> lock = volume::lock_volumes(impl_.roots);
  if (!lock) return keep(fail(std::move(lock).error()));
  lock_ = std::move(*lock);
  for (const std::string& name : names) keep(hide_one(name, container.id));
}

void VolumesAlong::forget_within(SQLite::Database& transaction) {
  for (Hidden& volume : hidden_) volume.forgotten = Records::forget_volume_within(transaction, volume.name);
}

Result<> VolumesAlong::finish() {
  std::vector<Trash::Item> files;
  for (Hidden& volume : std::exchange(hidden_, {})) {
    if (!volume.forgotten) {  // somebody has come to use it meanwhile
      keep(volume.removal.take_back());
      continue;
    }
    Result<Trash::Item> item = volume.removal.commit();
    if (item)
      files.push_back(std::move(*item));
    else
      keep(fail(std::move(item).error()));
  }
  lock_.reset();
  for (Trash::Item& item : files) keep(volume::remove_files(impl_.roots, std::move(item)));
  return std::move(outcome_);
}

}  // namespace consort::engine
