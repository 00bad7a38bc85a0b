#include "kube/pods.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <condition_variable>
#include <thread>

#include "base/json.hpp"
#include "base/narrow.hpp"
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

// The first item of a list whose `key` has this value.
const Json& item(const Json& list, std::string_view key, std::string_view value) {
  static const Json nothing = Json::object();
  if (list.is_array())
    for (const Json& each : list)
      if (get_string(each, key) == value) return each;
  return nothing;
}

void take_container(const Json& container, PodState& pod) {
  pod.image = get_string(container, "image");
  pod.tty = get_bool(container, "tty");
  pod.input = get_bool(container, "stdin");
  // A probe that only checks whether a port is open was added by us; it is not the file's health check.
  const Json* probe = find_key(container, "readinessProbe");
  pod.probed = probe && !probe->contains("tcpSocket");
  for (const char* key : {"command", "args"})
    for (std::string& word : get_strings(container, key)) pod.command.push_back(std::move(word));
  pod.memory_limit =
      saturated<std::uint64_t>(quantity_of(get_string(at(at(container, "resources"), "limits"), "memory")));
  const Json& ports = at(container, "ports");
  if (!ports.is_array()) return;
  for (const Json& port : ports)
    pod.ports.push_back(std::to_string(get_int(port, "containerPort")) + "/" +
                        to_lower(get_string(port, "protocol", "TCP")));
}

// The claims that the container has mounted as a whole, and their mount points.
void take_data(const Json& spec, const Json& container, PodState& pod) {
  const Json& mounts = at(container, "volumeMounts");
  if (!mounts.is_array()) return;
  for (const Json& mount : mounts) {
    const Json& volume = item(at(spec, "volumes"), "name", get_string(mount, "name"));
    if (const std::string claim = get_string(at(volume, "persistentVolumeClaim"), "claimName"); !claim.empty())
      pod.data.emplace_back(claim, get_string(mount, "mountPath"));
  }
}

void take_status(const Json& status, PodState& pod) {
  const std::string image = get_string(status, "imageID");  // "docker-pullable://NAME@sha256:..."
  if (const std::size_t digest = image.rfind("sha256:"); digest != std::string::npos)
    pod.image_digest = image.substr(digest);
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

// Reports trouble in the containers that run before the pod's own: hooks, and those that fill volumes.
void take_init_trouble(const Json& statuses, PodState& pod) {
  if (!statuses.is_array()) return;
  for (const Json& status : statuses) {
    const Json& state = at(status, "state");
    for (const Json* each : {&state, &at(status, "lastState")})
      if (const Json* ended = find_key(*each, "terminated"); ended && !get_bool(status, "ready")) {
        pod.failed_before = get_string(status, "name");
        pod.failed_code = static_cast<int>(get_int(*ended, "exitCode"));
        break;
      }
    const Json* waiting = find_key(state, "waiting");
    const std::string reason = waiting ? get_string(*waiting, "reason") : "";
    if (reason.empty() || reason == "PodInitializing") continue;
    pod.waiting = reason;
    pod.waiting_text = get_string(status, "name") + ": " + get_string(*waiting, "message");
  }
}

}  // namespace

double quantity_of(std::string_view text) {
  const std::size_t end = std::min(text.size(), text.find_first_not_of("0123456789.eE+-"));
  const std::string_view unit = text.substr(end);
  double value = 0;
  if (std::from_chars(text.data(), text.data() + end, value).ec != std::errc()) return 0;
  constexpr std::pair<std::string_view, double> units[] = {{"n", 1e-9},
                                                           {"u", 1e-6},
                                                           {"m", 1e-3},
                                                           {"", 1},
                                                           {"k", 1e3},
                                                           {"M", 1e6},
                                                           {"G", 1e9},
                                                           {"T", 1e12},
                                                           {"P", 1e15},
                                                           {"Ki", 1024},
                                                           {"Mi", 1024 * 1024},
                                                           {"Gi", 1024.0 * 1024 * 1024},
                                                           {"Ti", 1024.0 * 1024 * 1024 * 1024}};
  const auto found = std::ranges::find(units, unit, &std::pair<std::string_view, double>::first);
  return found == std::end(units) ? 0 : value * found->second;
}

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
  pod.one_off = get_string(labels, label::one_off);
  pod.passing = labels.is_object() && labels.contains(label::passing);
  pod.container = pod.service.empty() ? pod.one_off : pod.service;
  pod.job = get_string(item(at(meta, "ownerReferences"), "kind", "Job"), "name");
  pod.deleting = meta.contains("deletionTimestamp");
  if (const auto created = parse_rfc3339(get_string(meta, "creationTimestamp"))) pod.created = *created;
  pod.phase = get_string(status, "phase");
  pod.node = get_string(spec, "nodeName");
  pod.address = get_string(status, "podIP");
  const Json& scheduled = item(at(status, "conditions"), "type", "PodScheduled");
  if (get_string(scheduled, "status") == "False") pod.unschedulable = get_string(scheduled, "message");
  const Json& container = item(at(spec, "containers"), "name", pod.container);
  take_container(container, pod);
  take_data(spec, container, pod);
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
  // The reader of changes and the clock both call it, one at a time. The clock does so because the problem may be that
  // nothing happens.
  std::mutex asking;
  Result<Next> next = enough();
  if (!next) return fail(std::move(next).error());
  if (*next == Next::enough) return {};
  std::stop_source over;
  const std::stop_callback by_caller(stop, [&] { over.request_stop(); });
  const auto ask = [&] {  // called with the lock held
    if (next && *next == Next::more) next = enough();
    const bool more = next && *next == Next::more;
    if (!more) over.request_stop();
    return more ? Next::more : Next::enough;
  };
  std::condition_variable_any tick;
  const std::jthread clock([&](const std::stop_token& ended) {
    std::unique_lock lock(asking);
    while (!tick.wait_for(lock, ended, std::chrono::seconds(1), [] { return false; }) && !ended.stop_requested())
      if (!over.stop_requested()) (void)ask();
  });
  while (!over.stop_requested()) TRY(follow_once(asking, ask, over.get_token()));
  const std::scoped_lock lock(asking);
  if (!next) return fail(std::move(next).error());
  return {};
}

// Runs one watch until it ends. Lists the pods again if the server requires that.
Result<> PodWatch::follow_once(std::mutex& asking, const std::function<Next()>& ask, const std::stop_token& over) {
  bool again = false;
  const std::string path = with_query(path_of("v1", "Pod", space_), {{"labelSelector", selector_},
                                                                     {"watch", "true"},
                                                                     {"allowWatchBookmarks", "true"},
                                                                     {"resourceVersion", version_},
                                                                     {"timeoutSeconds", "300"}});
  auto ended = client_.lines(
      path,
      [&](std::string_view line) {
        const std::scoped_lock lock(asking);
        const Result<bool> taken = take(line);
        again = !taken || !*taken;
        return again ? Next::enough : ask();
      },
      over);
  if (over.stop_requested()) return {};
  if (!ended && ended.error().code() != Code::not_found) return ended;
  if (!again && ended) return {};
  const std::scoped_lock lock(asking);
  TRY(list());
  (void)ask();
  return {};
}

}  // namespace consort::kube
