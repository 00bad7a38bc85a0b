#include "kube/one_off.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "kube/kinds.hpp"
#include "kube/manifests/parts.hpp"
#include "kube/verbs.hpp"

namespace consort::kube {

namespace {

constexpr std::size_t most_of_name = 40;  // leaves room for the suffix

// The pod template of a service's workload; null if the object is not a workload.
const Json* template_of(const Json& object) {
  const Json* spec = find_key(object, "spec");
  if (const Json* job = spec ? find_key(*spec, "jobTemplate") : nullptr) spec = find_key(*job, "spec");
  return spec ? find_key(*spec, "template") : nullptr;
}

Result<Json> template_of_service(const Manifests& manifests, const std::string& service) {
  for (const Object& object : manifests.objects) {
    if (object.service != service) continue;
    const Json value = TRY(parse_json(object.json, object.kind));
    if (const Json* found = template_of(value)) return *found;
  }
  return fail(Code::not_found, "no such service: " + service);
}

Json labels_of_one_off(const std::string& service, const std::string& project) {
  return Json{
      {label::managed_by, "consort"}, {label::project, object_name(project)}, {label::one_off, object_name(service)}};
}

Object pod_object(const std::string& name, const std::string& service, const std::string& project, Json annotations,
                  Json spec) {
  spec["restartPolicy"] = "Never";
  Json meta{{"name", name}, {"labels", labels_of_one_off(service, project)}};
  if (!annotations.empty()) meta["annotations"] = std::move(annotations);
  const Json pod{{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", std::move(meta)}, {"spec", std::move(spec)}};
  return {.api_version = "v1", .kind = "Pod", .name = name, .service = service, .json = dump_json(pod)};
}

Json words(const std::vector<std::string>& list) {
  Json made = Json::array();
  for (const std::string& each : list) made.push_back(literal(each));
  return made;
}

Result<> change_user(const std::string& user, Json& container) {
  const std::size_t colon = user.find(':');
  const auto id =
      user.substr(0, colon) == "root" ? std::optional<std::uint64_t>(0) : parse_unsigned(user.substr(0, colon));
  const auto group =
      colon == std::string::npos ? std::optional<std::uint64_t>() : parse_unsigned(user.substr(colon + 1));
  if (!id || (colon != std::string::npos && !group))
    return fail(Error(Code::invalid, "user \"" + user + "\" is a name").hint("Kubernetes needs numbers"));
  container["securityContext"]["runAsUser"] = *id;
  if (group) container["securityContext"]["runAsGroup"] = *group;
  return {};
}

// Drops the rule that limits how many of the service's pods a node may run, so that the one-off pod may run next to
// them.
void free_of_siblings(Json& spec) {
  if (!spec.contains("affinity")) return;
  spec["affinity"].erase("podAntiAffinity");
  if (spec["affinity"].empty()) spec.erase("affinity");
}

// True if the pod's text mentions the ConfigMap, Secret or claim by name.
bool is_used(const Object& object, const std::string& pod) {
  const bool kind = object.kind == "ConfigMap" || object.kind == "Secret" || object.kind == claim_kind;
  return kind && pod.find("\"" + object.name + "\"") != std::string::npos;
}

}  // namespace

Result<Object> one_off_pod(const Manifests& manifests, const OneOff& wish, const std::string& project) {
  const Json made = TRY(template_of_service(manifests, wish.service));
  Json spec = made.at("spec");
  Json& container = spec["containers"][0];
  for (const char* key : {"readinessProbe", "startupProbe", "livenessProbe", "ports"}) container.erase(key);
  spec.erase("hostname");
  free_of_siblings(spec);
  // Its dependencies have been started or are not wanted, and the hooks only belong to the service's own start.
  if (spec.contains("initContainers")) {
    Json before = Json::array();
    for (Json& each : spec["initContainers"])
      if (const std::string name = get_string(each, "name");
          name != wait_container && !name.starts_with(before_container))
        before.push_back(std::move(each));
    spec["initContainers"] = std::move(before);
  }
  // A pod that gets no requests need not delay its end.
  if (container.contains("lifecycle")) container["lifecycle"].erase("preStop");
  if (wish.entrypoint) {
    container["command"] = words(*wish.entrypoint);
    container.erase("args");
  }
  if (wish.command) container["args"] = words(*wish.command);
  if (!wish.working_dir.empty()) container["workingDir"] = wish.working_dir;
  for (const auto& [name, value] : wish.environment)
    container["env"].push_back(Json{{"name", name}, {"value", literal(value)}});
  if (!wish.user.empty()) TRY(change_user(wish.user, container));
  container["tty"] = wish.tty;
  container["stdin"] = wish.input;
  // Standard input ends when the first client disconnects.
  container["stdinOnce"] = wish.input;
  const std::string name = wish.name.empty()
                               ? object_name(wish.service).substr(0, most_of_name) + "-run-" + random_id().substr(0, 8)
                               : object_name(wish.name);
  const Json* meta = find_key(made, "metadata");
  const Json* annotations = meta ? find_key(*meta, "annotations") : nullptr;
  Object pod = pod_object(name, wish.service, project, annotations ? *annotations : Json::object(), std::move(spec));
  if (!wish.passing) return pod;
  Json value = TRY(parse_json(pod.json, pod.name));
  value["metadata"]["labels"][label::passing] = "true";
  pod.json = dump_json(value);
  return pod;
}

Result<Object> data_pod(const Manifests& manifests, const std::string& claim, const std::string& path,
                        const std::string& project) {
  for (const Object& object : manifests.objects) {
    const Json value = TRY(parse_json(object.json, object.kind));
    const Json* made = template_of(value);
    if (!made || !made->contains("spec")) continue;
    const Json& spec = made->at("spec");
    const Json& container = spec.at("containers")[0];
    std::string volume;
    if (const Json* volumes = find_key(spec, "volumes"))
      for (const Json& each : *volumes)
        if (const Json* of = find_key(each, "persistentVolumeClaim"); of && get_string(*of, "claimName") == claim)
          volume = get_string(each, "name");
    const Json* mounts = find_key(container, "volumeMounts");
    if (volume.empty() || !mounts) continue;
    const auto mount =
        std::ranges::find_if(*mounts, [&](const Json& each) { return get_string(each, "name") == volume; });
    if (mount == mounts->end()) continue;
    Json where{{"name", "data"}, {"mountPath", path}};
    if (const std::string sub = get_string(*mount, "subPath"); !sub.empty()) where["subPath"] = sub;
    Json helper{{"name", object_name(object.service)},
                {"image", container.at("image")},
                {"command", Json::array({"sh", "-c", "trap 'exit 0' TERM; sleep 86400 & wait"})},
                {"securityContext", Json{{"runAsUser", 0}}},
                {"volumeMounts", Json::array({std::move(where)})}};
    Json whole{
        {"containers", Json::array({std::move(helper)})},
        {"volumes", Json::array({Json{{"name", "data"}, {"persistentVolumeClaim", Json{{"claimName", claim}}}}})},
        {"automountServiceAccountToken", false},
        {"terminationGracePeriodSeconds", 1}};
    // The pod must run where the service may run: its image is built for those nodes, and volumes not yet used are
    // created there.
    for (const char* key : {"imagePullSecrets", "nodeSelector", "affinity"})
      if (const Json* same = find_key(spec, key)) whole[key] = *same;
    free_of_siblings(whole);
    return pod_object(object_name(object.service).substr(0, most_of_name) + "-data-" + random_id().substr(0, 8),
                      object.service, project, Json::object(), std::move(whole));
  }
  return fail(Code::not_found, "no service has volume " + claim);
}

Result<PodState> start_one_off(Session& session, const Manifests& manifests, const Object& pod) {
  for (const Object& object : manifests.objects) {
    if (!is_used(object, pod.json)) continue;
    const std::string path = path_of(object.api_version, object.kind, session.space, object.name);
    const auto there = session.client.get(path);
    if (there || there.error().code() != Code::not_found) continue;
    TRY(session.client.apply(path, object.json, Force::no, Trial::no));
  }
  TRY(session.client.create(path_of("v1", "Pod", session.space), pod.json));
  PodWatch watch(session.client, session.space, project_selector(session.project_name));
  std::optional<PodState> state;
  const auto failed = [&](Error error) -> Result<PodState> {
    (void)remove_pod(session, pod.name);
    return fail(std::move(error));
  };
  auto followed = watch.follow(
      [&]() -> Result<Next> {
        const auto found = watch.pods().find(pod.name);
        if (found == watch.pods().end()) return fail(Code::lost, "start pod " + pod.name);  // it has been removed
        state = found->second;
        if (state->running() || state->ended()) return Next::enough;
        const auto trouble = trouble_of(*state);
        const bool may_change = state->waiting == "ErrImagePull" || !state->unschedulable.empty();
        if (trouble && !may_change) return fail(Error(Code::io, "start pod " + pod.name).why(*trouble));
        return Next::more;
      },
      session.cancel.token());
  if (!followed) return failed(std::move(followed).error());
  if (session.cancel.token().stop_requested() || !state) return failed(Error(Code::interrupted, "stop"));
  return std::move(*state);
}

Result<int> wait_for_exit(Session& session, const std::string& pod) {
  PodWatch watch(session.client, session.space, project_selector(session.project_name));
  constexpr int killed = 137;
  int code = killed;
  TRY(watch.follow(
      [&]() -> Result<Next> {
        const auto found = watch.pods().find(pod);
        if (found == watch.pods().end()) return Next::enough;
        if (!found->second.ended()) return Next::more;
        code = found->second.exit_code.value_or(1);
        return Next::enough;
      },
      session.cancel.token()));
  if (session.cancel.token().stop_requested()) return fail(Code::interrupted, "stop");
  return code;
}

Result<> remove_pod(Session& session, const std::string& pod) {
  return session.client.remove_in_any_case(path_of("v1", "Pod", session.space, pod));
}

Result<> remove_passed(Session& session) {
  if (session.trial == Trial::yes) return {};
  for (const PodState& pod : TRY(pods_of(session, {})))
    if (pod.passing && pod.ended()) TRY(remove_pod(session, pod.name));
  return {};
}

Result<Channels> attach(Session& session, const PodState& pod, Attached to) {
  Query query{{"container", pod.container}};
  if (to != Attached::output) query.emplace_back("stdin", "true");
  if (to != Attached::input) query.emplace_back("stdout", "true");
  if (to == Attached::terminal) query.emplace_back("tty", "true");
  if (to == Attached::output || to == Attached::both) query.emplace_back("stderr", "true");
  return session.client.open(with_query(path_of("v1", "Pod", session.space, pod.name) + "/attach", query));
}

Result<int> exit_code_after(Session& session, const PodState& pod) {
  constexpr std::chrono::seconds told_within{15};  // a node reports the exit a little later
  constexpr int killed = 137;
  PodWatch watch(session.client, session.space, project_selector(session.project_name));
  const auto until = std::chrono::steady_clock::now() + told_within;
  std::optional<int> code;
  TRY(watch.follow(
      [&]() -> Result<Next> {
        const auto found = watch.pods().find(pod.name);
        if (found == watch.pods().end() || found->second.uid != pod.uid) {
          code = killed;  // removed before its exit code was reported
          return Next::enough;
        }
        const PodState& now = found->second;
        if (now.restarts > pod.restarts || !now.running()) code = now.exit_code;
        return code || std::chrono::steady_clock::now() > until ? Next::enough : Next::more;
      },
      session.cancel.token()));
  if (session.cancel.token().stop_requested()) return fail(Code::interrupted, "stop");
  if (code) return *code;
  return fail(Error(Code::lost, "stay attached to pod " + pod.name).why("the cluster closed the connection"));
}

Result<> follow_log(Session& session, const PodState& pod, const std::function<Next(std::string_view bytes)>& out) {
  const std::string path = path_of("v1", "Pod", session.space, pod.name) + "/log";
  return session.client.bytes(with_query(path, {{"container", pod.container}, {"follow", "true"}}), out,
                              session.cancel.token());
}

}  // namespace consort::kube
