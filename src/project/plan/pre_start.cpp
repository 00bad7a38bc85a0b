#include "project/plan/pre_start.hpp"

namespace consort::project {

Result<> check_hooks(const compose::Project& project, const compose::Service& service) {
  for (std::size_t i = 0; i < service.pre_start.size(); ++i) {
    if (!service.pre_start[i].per_replica) continue;
    const std::string index = std::to_string(i);
    return fail(Error(Code::unsupported,
                      "service \"" + service.name + "\": pre_start[" + index + "]: per_replica is not supported yet")
                    .hint("remove it, or set it to false: the hook runs once before all replicas")
                    .at(project.locate({"services", service.name, "pre_start", index, "per_replica"})));
  }
  return {};
}

Result<engine::ContainerSpec> hook_spec(const compose::Project& project, const compose::Service& service,
                                        unsigned index, const std::string& donor, const ReplicaOptions& options) {
  const std::string between(options.separator);
  compose::Service alone = service.pre_start.at(index).container;
  alone.name = service.name;
  alone.container_name =
      project.name + between + service.name + between + "pre_start" + between + std::to_string(index);
  alone.scale.reset();
  if (alone.deploy) alone.deploy->restart_policy.reset();
  ReplicaOptions replica = options;
  replica.image_id.clear();  // it may be another image than the service's
  engine::ContainerSpec spec = TRY(container_spec(project, alone, replica));
  for (const char* of_service : {label::number, label::config_hash, label::oneoff, label::depends_on, label::image})
    spec.labels.erase(of_service);
  spec.labels[label::hook] = "pre_start";
  spec.labels[label::hook_index] = std::to_string(index);
  spec.volumes_from.insert(spec.volumes_from.begin(), donor);
  spec.health = engine::HealthSpec{.test = engine::Strings{"NONE"}};  // the image's would have nobody to look at it
  return spec;
}

}  // namespace consort::project
