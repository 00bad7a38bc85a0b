#include <algorithm>

#include "project/desired/parts.hpp"
#include "project/plan/converge.hpp"
#include "project/plan/image_volumes.hpp"
#include "project/plan/label_of.hpp"
#include "project/plan/names.hpp"

namespace consort::project {

std::optional<std::string> missing_network(const compose::Project& project, const compose::Service& service,
                                           const engine::Container& container, const Observed& observed) {
  if (!container.state.running()) return std::nullopt;
  for (const DesiredNetwork& wanted : networks_of(project, service)) {
    const engine::Network* network = observed.network(wanted.name);
    const bool there = std::ranges::any_of(container.networks, [&](const engine::Endpoint& endpoint) {
      return endpoint.network == wanted.name && (!network || endpoint.network_id == network->id);
    });
    if (!there) return "is not on network " + wanted.name;
  }
  return std::nullopt;
}

namespace {

std::optional<std::string> missing_volume(const compose::Project& project, const compose::Service& service,
                                          const engine::Container& container) {
  for (const compose::Mount& mount : service.volumes) {
    if (mount.type != compose::MountType::volume) continue;
    const auto volume = project.volumes.find(mount.source);
    if (volume == project.volumes.end()) continue;
    const bool there = std::ranges::any_of(container.mounts, [&](const engine::MountPoint& point) {
      return point.type == engine::MountType::volume && point.name == volume->second.name;
    });
    if (!there) return "does not mount volume " + volume->second.name;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> divergence(const compose::Project& project, const compose::Service& service,
                                      const engine::Container& container, const Observed& observed,
                                      const Provided& provided) {
  if (label_of(container.labels, label::config_hash) != config_hash(project, service))
    return "configuration has changed";
  if (const auto known = provided.find(service.name);
      known != provided.end() && label_of(container.labels, label::provided) != digest_of_provided(known->second))
    return "values from its providers or models have changed";
  if (const auto image = observed.images.find(image_key(project, service)); image != observed.images.end()) {
    const std::string made_of = label_of(container.labels, label::image);
    if (image->second != (made_of.empty() ? container.image_id : made_of)) return "image has changed";
  }
  if (auto changed = changed_image_volume(service, container, observed)) return changed;
  return missing_volume(project, service, container);
}

std::vector<const engine::Container*> find_orphans(const compose::Project& project, const Observed& observed) {
  std::vector<const engine::Container*> orphans;
  for (const engine::Container& container : observed.containers) {
    // The containers of a failed job are kept for inspection.
    if (container.labels.contains(label::job_run)) continue;
    const bool known = service_named(project, container.service) != nullptr || project.jobs.contains(container.service);
    if (container.oneoff ? container.state.status == engine::Status::exited : !known) orphans.push_back(&container);
  }
  return orphans;
}

}  // namespace consort::project
