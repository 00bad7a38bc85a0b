// Volumes and orphans: the preconditions for containers.
#include <algorithm>

#include "base/strings.hpp"
#include "project/plan/converger.hpp"
#include "project/plan/label_of.hpp"
#include "project/plan/operations.hpp"

namespace consort::project {

OperationId Converger::stop_once(const engine::Container& container, Needs needs) {
  if (const auto found = stopped_.find(container.id); found != stopped_.end()) return found->second;
  Operation operation = stop_operation(container, options_.timeout_seconds);
  operation.needs = std::move(needs);
  return stopped_[container.id] = plan_.add(std::move(operation));
}

OperationId Converger::add_create_volume(const std::string& key, Needs needs, std::string cause) {
  auto spec = std::make_shared<engine::VolumeSpec>(volume_spec(project_, key));
  const std::string name = spec->name;
  Operation operation = resource_operation(CreateVolume{std::move(spec)}, "Volume", name, std::move(cause));
  operation.needs = std::move(needs);
  return plan_.add(std::move(operation));
}

Result<> Converger::volumes() {
  for (const auto& [key, each] : project_.volumes) TRY(volume(key, each));
  return {};
}

Result<> Converger::volume(const std::string& key, const compose::Volume& volume) {
  const engine::Volume* there = observed_.volume(volume.name);
  if (volume.external) {
    if (there) return {};
    return fail(Error(Code::not_found, "external volume \"" + volume.name + "\" not found")
                    .hint("create it first: `consort volume create " + shell_quote(volume.name) +
                          "`; or remove `external: true`, and `up` creates it")
                    .at(volume.mark));
  }
  if (!there) {
    volume_ready_[key] = {add_create_volume(key, {}, "no volume with this name")};
    return {};
  }
  const std::string owner = label_of(there->spec.labels, label::project);
  if (owner.empty()) {
    plan_.warnings.push_back("volume \"" + volume.name +
                             "\" already exists but was not created by Docker Compose. Use `external: true` to use an "
                             "existing volume");
    return {};
  }
  if (owner != project_.name)
    plan_.warnings.push_back("volume \"" + volume.name + "\" already exists but was created for project \"" + owner +
                             "\" (expected \"" + project_.name + "\"). Use `external: true` to use an existing volume");
  const std::string hash = label_of(there->spec.labels, label::config_hash);
  if (hash.empty() || hash == config_hash(volume)) return {};
  const std::string question = "Volume \"" + volume.name +
                               "\" exists but doesn't match configuration in compose file. Recreate (data will be "
                               "lost)?";
  if (options_.confirm && options_.confirm(question)) replace_volume(key, volume.name);
  return {};
}

void Converger::replace_volume(const std::string& key, const std::string& name) {
  Operation remove = resource_operation(RemoveVolume{}, "Volume", name, "configuration has changed");
  for (const engine::Container& container : observed_.containers) {
    const bool uses = std::ranges::any_of(container.mounts, [&](const engine::MountPoint& mount) {
      return mount.type == engine::MountType::volume && mount.name == name;
    });
    if (!uses || gone_.contains(container.id)) continue;
    Operation remove_container = remove_operation(container);
    remove_container.cause = "uses volume " + name;
    if (container.state.running()) remove_container.needs = {stop_once(container, {})};
    remove.needs.push_back(plan_.add(std::move(remove_container)));
    gone_.insert(container.id);
  }
  const OperationId removed = plan_.add(std::move(remove));
  volume_ready_[key] = {add_create_volume(key, {removed}, "configuration has changed")};
}

void Converger::orphans() {
  if (options_.orphans == Orphans::ignore) return;
  const std::vector<const engine::Container*> found = find_orphans(project_, observed_);
  if (found.empty()) return;
  if (options_.orphans == Orphans::warn) {
    std::vector<std::string> names;
    for (const engine::Container* orphan : found) names.push_back(orphan->name);
    plan_.warnings.push_back("Found orphan containers ([" + join(names, " ") +
                             "]) for this project. If you removed or renamed this service in your compose file, you "
                             "can run this command with the --remove-orphans flag to clean it up.");
    return;
  }
  for (const engine::Container* orphan : found) {
    if (!gone_.insert(orphan->id).second) continue;
    Operation remove = remove_operation(*orphan);
    remove.cause = "its service is not in the file";
    remove.needs = {stop_once(*orphan, {})};
    plan_.add(std::move(remove));
  }
}

}  // namespace consort::project
