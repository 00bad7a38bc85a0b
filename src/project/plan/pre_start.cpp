#include "project/plan/pre_start.hpp"

#include <utility>

#include "project/plan/operations.hpp"

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
  replica.image_id.clear();  // it may differ from the service's image
  engine::ContainerSpec spec = TRY(container_spec(project, alone, replica));
  for (const char* of_service : {label::number, label::config_hash, label::oneoff, label::depends_on, label::image})
    spec.labels.erase(of_service);
  spec.labels[label::hook] = "pre_start";
  spec.labels[label::hook_index] = std::to_string(index);
  spec.volumes_from.insert(spec.volumes_from.begin(), donor);
  spec.health = engine::HealthSpec{.test = engine::Strings{"NONE"}};  // the image's own health check would not be used
  return spec;
}

Result<std::vector<Operation>> hook_operations(const compose::Project& project, const compose::Service& service,
                                               const std::string& donor, const ReplicaOptions& options) {
  std::vector<Operation> operations;
  for (unsigned i = 0; i < service.pre_start.size(); ++i) {
    auto spec = std::make_shared<engine::ContainerSpec>(TRY(hook_spec(project, service, i, donor, options)));
    Operation run;
    run.target = spec->name;
    run.action = RunPreStart{std::move(spec), i};
    run.service = service.name;
    run.cause = "before " + service.name + " starts";
    run.shown = container_object(run.target);
    run.before = "Starting";
    run.after = "Exited";
    operations.push_back(std::move(run));
  }
  return operations;
}

Result<HookDonors> donors_before_start(const compose::Project& project,
                                       const std::vector<engine::Container>& containers,
                                       const std::set<std::string>& wanted) {
  HookDonors donors;
  for (const auto& [name, service] : project.services) {
    if (service.pre_start.empty() || !wanted.contains(name)) continue;
    const engine::Container* first = nullptr;
    bool runs = false, fresh = false;
    for (const engine::Container& each : containers) {
      if (each.service != name || each.oneoff) continue;
      runs = runs || each.state.started();
      fresh = fresh || each.state.status == engine::Status::created;
      if (!first || each.number < first->number) first = &each;
    }
    if (!first || runs || !fresh) continue;
    TRY(check_hooks(project, service));
    donors[name] = first->name;
  }
  return donors;
}

Result<std::map<std::string, std::vector<Operation>>> hooks_before_start(const compose::Project& project,
                                                                         const HookDonors& donors,
                                                                         const std::vector<engine::Container>& hooks,
                                                                         const ReplicaOptions& options,
                                                                         const Provided& provided) {
  std::map<std::string, std::vector<Operation>> result;
  for (const auto& [name, donor] : donors) {
    std::vector<Operation>& operations = result[name];
    for (const engine::Container& left : hooks) {
      if (left.service != name) continue;
      operations.push_back(remove_operation(left, {.anonymous_volumes = true}));
      operations.back().cause = "left by an earlier run";
    }
    ReplicaOptions replica = options;
    if (const auto found = provided.find(name); found != provided.end()) replica.provided = &found->second;
    for (Operation& run : TRY(hook_operations(project, project.services.at(name), donor, replica)))
      operations.push_back(std::move(run));
  }
  return result;
}

}  // namespace consort::project
