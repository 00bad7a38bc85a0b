#include "kube/pods.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "kube/kinds.hpp"
#include "kube/manifests.hpp"

namespace consort::kube {

namespace {

const Json& at(const Json& object, std::string_view key) {
  static const Json nothing = Json::object();
  const Json* found = find_key(object, key);
  return found ? *found : nothing;
}

// The first item of a list whose `key` is that.
const Json& item(const Json& list, std::string_view key, std::string_view value) {
  static const Json nothing = Json::object();
  if (list.is_array())
    for (const Json& each : list)
      if (get_string(each, key) == value) return each;
  return nothing;
}

void take_container(const Json& container, PodState& pod) {
  pod.image = get_string(container, "image");
  pod.probed = container.is_object() && (container.contains("readinessProbe") || container.contains("startupProbe"));
  for (const char* key : {"command", "args"})
    for (std::string& word : get_strings(container, key)) pod.command.push_back(std::move(word));
  const Json& ports = at(container, "ports");
  if (!ports.is_array()) return;
  for (const Json& port : ports)
    pod.ports.push_back(std::to_string(get_int(port, "containerPort")) + "/" +
                        to_lower(get_string(port, "protocol", "TCP")));
}

void take_status(const Json& status, PodState& pod) {
  pod.ready = get_bool(status, "ready");
  pod.restarts = static_cast<int>(get_int(status, "restartCount"));
  const Json& state = at(status, "state");
  if (const Json* running = find_key(state, "running"))
    pod.running_since = parse_rfc3339(get_string(*running, "startedAt"));
  if (const Json* waiting = find_key(state, "waiting")) {
    pod.waiting = get_string(*waiting, "reason");
    pod.waiting_text = get_string(*waiting, "message");
  }
  for (const Json* each : {&state, &at(status, "lastState")})
    if (const Json* ended = find_key(*each, "terminated"); ended && !pod.exit_code)
      pod.exit_code = static_cast<int>(get_int(*ended, "exitCode"));
}

// Of those before the pod's own: what fills volumes.
void take_init_trouble(const Json& statuses, PodState& pod) {
  if (!statuses.is_array()) return;
  for (const Json& status : statuses) {
    const Json& state = at(status, "state");
    const Json* waiting = find_key(state, "waiting");
    const std::string reason = waiting ? get_string(*waiting, "reason") : "";
    if (reason.empty() || reason == "PodInitializing") continue;
    pod.waiting = reason;
    pod.waiting_text = get_string(status, "name") + ": " + get_string(*waiting, "message");
  }
}

}  // namespace

Result<PodState> pod_state(std::string_view json) {
  const Json value = TRY(parse_json(json, "pod"));
  const Json &meta = at(value, "metadata"), &spec = at(value, "spec"), &status = at(value, "status");
  PodState pod;
  pod.name = get_string(meta, "name");
  if (pod.name.empty()) return fail(Code::invalid, "read a pod");
  pod.uid = get_string(meta, "uid");
  const Json& labels = at(meta, "labels");
  pod.service = get_string(labels, label::service);
  pod.config = get_string(labels, label::config);
  pod.container = pod.service;
  pod.deleting = meta.contains("deletionTimestamp");
  if (const auto created = parse_rfc3339(get_string(meta, "creationTimestamp"))) pod.created = *created;
  pod.phase = get_string(status, "phase");
  pod.address = get_string(status, "podIP");
  const Json& scheduled = item(at(status, "conditions"), "type", "PodScheduled");
  if (get_string(scheduled, "status") == "False") pod.unschedulable = get_string(scheduled, "message");
  take_container(item(at(spec, "containers"), "name", pod.container), pod);
  take_status(item(at(status, "containerStatuses"), "name", pod.container), pod);
  take_init_trouble(at(status, "initContainerStatuses"), pod);
  return pod;
}

std::optional<std::string> trouble_of(const PodState& pod) {
  constexpr std::array<std::string_view, 8> known{
      "ErrImagePull",         "ImagePullBackOff",           "InvalidImageName",  "ErrImageNeverPull",
      "CreateContainerError", "CreateContainerConfigError", "RunContainerError", "CrashLoopBackOff"};
  if (std::ranges::find(known, pod.waiting) != known.end())
    return pod.waiting + (pod.waiting_text.empty() ? "" : ": " + pod.waiting_text);
  if (!pod.unschedulable.empty()) return "no node takes it: " + pod.unschedulable;
  return std::nullopt;
}

PodWatch::PodWatch(Client& client, std::string space, std::string selector)
    : client_(client), space_(std::move(space)), selector_(std::move(selector)) {}

Result<> PodWatch::list() {
  const std::string body = TRY(client_.get(with_query(path_of("v1", "Pod", space_), {{"labelSelector", selector_}})));
  const Json list = TRY(parse_json(body, "list of pods"));
  pods_.clear();
  version_ = get_string(at(list, "metadata"), "resourceVersion");
  const Json& items = at(list, "items");
  if (!items.is_array()) return {};
  for (const Json& each : items) {
    PodState pod = TRY(pod_state(dump_json(each)));
    pods_[pod.name] = std::move(pod);
  }
  return {};
}

Result<bool> PodWatch::take(std::string_view line) {
  const Json event = TRY(parse_json(line, "change of a pod"));
  const std::string type = get_string(event, "type");
  const Json& object = at(event, "object");
  if (type == "ERROR") return false;
  const std::string version = get_string(at(object, "metadata"), "resourceVersion");
  if (!version.empty()) version_ = version;
  if (type == "BOOKMARK") return true;
  PodState pod = TRY(pod_state(dump_json(object)));
  if (type == "DELETED") {
    pods_.erase(pod.name);
  } else {
    pods_[pod.name] = std::move(pod);
  }
  return true;
}

Result<> PodWatch::follow(const std::function<Result<Next>()>& enough, const std::stop_token& stop) {
  if (version_.empty()) TRY(list());
  while (!stop.stop_requested()) {
    if (TRY(enough()) == Next::enough) return {};
    Result<Next> next = Next::more;
    bool again = false;
    const std::string path = with_query(path_of("v1", "Pod", space_), {{"labelSelector", selector_},
                                                                       {"watch", "true"},
                                                                       {"allowWatchBookmarks", "true"},
                                                                       {"resourceVersion", version_},
                                                                       {"timeoutSeconds", "5"}});
    const auto ended = client_.lines(
        path,
        [&](std::string_view line) {
          const Result<bool> taken = take(line);
          again = !taken || !*taken;
          if (again) return Next::enough;
          next = enough();
          return next && *next == Next::more ? Next::more : Next::enough;
        },
        stop);
    if (!next) return fail(std::move(next).error());
    if (*next == Next::enough) return {};
    if (!ended && ended.error().code() != Code::not_found)
      return fail(Error(ended.error().code(), ended.error().message()));
    if (again || !ended) TRY(list());
  }
  return {};
}

}  // namespace consort::kube
