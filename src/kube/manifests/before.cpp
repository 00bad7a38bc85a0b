// pre_start hooks: init containers that run to completion, one after another, before the pod's own container.
#include <algorithm>

#include "base/strings.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

// Makes volume names unique in the pod, because they are numbered per container. A claim keeps its own name.
void rename_volumes(const std::string& prefix, Pod& made) {
  std::map<std::string, std::string> names;
  for (Json& volume : made.spec["volumes"]) {
    if (volume.contains("persistentVolumeClaim")) continue;
    const std::string name = get_string(volume, "name");
    volume["name"] = names[name] = prefix + name;
  }
  const auto rename = [&](Json& container) {
    if (!container.contains("volumeMounts")) return;
    for (Json& mount : container["volumeMounts"])
      if (const auto found = names.find(get_string(mount, "name")); found != names.end()) mount["name"] = found->second;
  };
  rename(made.container);
  for (Json& filler : made.spec["initContainers"]) rename(filler);
}

// A hook also gets its service's mounts; its own mounts take precedence.
void inherit_mounts(const Pod& pod, Json& hook) {
  const Json* theirs = find_key(pod.container, "volumeMounts");
  if (!theirs) return;
  Json& mounts = hook["volumeMounts"];
  for (const Json& mount : *theirs) {
    const bool own = std::ranges::any_of(
        mounts, [&](const Json& each) { return get_string(each, "mountPath") == get_string(mount, "mountPath"); });
    if (!own) mounts.push_back(mount);
  }
}

// The hook's container and what it needs, without the mounts that it inherits.
Result<Pod> hook_of(const Scope& scope, const project::DesiredService& service, const compose::PreStartHook& hook,
                    const std::string& prefix) {
  project::DesiredService wanted = TRY(project::desired_service(scope.project, hook.container));
  wanted.name = service.name;
  Pod made;
  made.spec = Json{{"volumes", Json::array()}, {"initContainers", Json::array()}};
  add_process(scope, wanted, made);
  if (!hook.own.image.empty()) made.container["image"] = hook.own.image;
  add_environment(scope, wanted, made);
  TRY(add_files(scope, wanted, made));
  TRY(add_mounts(scope, wanted, made));
  add_resources(hook.container, wanted, made);
  add_security(scope, wanted, made);
  rename_volumes(prefix + "-", made);
  for (const char* key : {"stdin", "tty"}) made.container.erase(key);
  made.container["name"] = prefix;
  return made;
}

}  // namespace

Result<> add_before(const Scope& scope, const project::DesiredService& service, Pod& pod) {
  if (service.pre_start.empty()) return {};
  const auto once = std::ranges::find(service.pre_start, false, &compose::PreStartHook::per_replica);
  if ((service.replicas > 1 || runs_on_each_node(file_of(scope, service))) && once != service.pre_start.end())
    scope.warn(service, {"pre_start", std::to_string(once - service.pre_start.begin())},
               "the pre_start hooks of \"" + service.name + "\" run in each of its pods",
               "here, they run once for all replicas");
  Json containers = Json::array(), volumes = Json::array();
  for (std::size_t i = 0; i < service.pre_start.size(); ++i) {
    const std::string prefix = std::string(before_container) + std::to_string(i + 1);
    Pod made = TRY(hook_of(scope, service, service.pre_start[i], prefix));
    for (Json& filler : made.spec["initContainers"]) {
      filler["name"] = get_string(filler, "name") + "-" + std::to_string(i + 1);
      containers.push_back(std::move(filler));
    }
    inherit_mounts(pod, made.container);
    containers.push_back(std::move(made.container));
    for (Json& volume : made.spec["volumes"]) volumes.push_back(std::move(volume));
  }
  for (Json& container : containers) pod.spec["initContainers"].push_back(std::move(container));
  for (Json& volume : volumes) {
    Json& all = pod.spec["volumes"];
    const auto same = [&](const Json& each) { return each.at("name") == volume.at("name"); };
    if (std::ranges::none_of(all, same)) all.push_back(std::move(volume));
  }
  return {};
}

}  // namespace consort::kube
