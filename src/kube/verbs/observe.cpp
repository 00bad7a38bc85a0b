#include "kube/observe.hpp"

#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "base/time_range.hpp"
#include "kube/kinds.hpp"
#include "kube/manifests.hpp"
#include "kube/verbs/look.hpp"

namespace consort::kube {

namespace {

const Json& part(const Json& object, std::string_view key) {
  static const Json nothing = Json::object();
  const Json* found = find_key(object, key);
  return found ? *found : nothing;
}
// The entries of an array, or an empty array.
const Json& entries(const Json& object, std::string_view key) {
  static const Json none = Json::array();
  const Json* found = find_key(object, key);
  return found && found->is_array() ? *found : none;
}

std::uint64_t number(const Json& object, std::string_view key) {
  return saturated<std::uint64_t>(get_int(object, key));
}

void take_metrics(const Json& list, std::map<std::string, Usage>& into) {
  for (const Json& pod : entries(list, "items")) {
    Usage& made = into[get_string(part(pod, "metadata"), "name")];
    for (const Json& container : entries(pod, "containers")) {
      const Json& used = part(container, "usage");
      made.processors += quantity_of(get_string(used, "cpu"));
      made.memory += saturated<std::uint64_t>(quantity_of(get_string(used, "memory")));
    }
  }
}

void take_summary(const Session& session, const Json& summary, std::map<std::string, Usage>& into) {
  for (const Json& pod : entries(summary, "pods")) {
    const Json& whose = part(pod, "podRef");
    if (get_string(whose, "namespace") != session.space) continue;
    Usage& made = into[get_string(whose, "name")];
    for (const Json& container : entries(pod, "containers")) {
      made.processors += static_cast<double>(number(part(container, "cpu"), "usageNanoCores")) / 1e9;
      made.memory += number(part(container, "memory"), "workingSetBytes");
    }
    made.received = number(part(pod, "network"), "rxBytes");
    made.sent = number(part(pod, "network"), "txBytes");
  }
}

SystemTime time_of(const Json& event) {
  for (const char* key : {"lastTimestamp", "eventTime", "firstTimestamp"})
    if (const auto time = parse_rfc3339(get_string(event, key))) return *time;
  return parse_rfc3339(get_string(part(event, "metadata"), "creationTimestamp")).value_or(SystemTime{});
}

ClusterEvent event_of(const Json& event) {
  const Json& object = part(event, "involvedObject");
  return {.time = time_of(event),
          .kind = get_string(object, "kind"),
          .name = get_string(object, "name"),
          .id = get_string(object, "uid"),
          .reason = get_string(event, "reason"),
          .message = std::string(trim(get_string(event, "message"))),
          .warning = get_string(event, "type") == "Warning"};
}

// The server ends a watch after a while, even if events arrive.
std::string seconds_of_watch(SystemTime until, SystemTime now) {
  constexpr std::int64_t longest = 300;
  const auto left = std::chrono::ceil<std::chrono::seconds>(time_between(now, until)).count();
  return std::to_string(std::clamp<std::int64_t>(left, 1, longest));
}

}  // namespace

Result<std::map<std::string, Usage>> usage(Session& session, const std::vector<PodState>& pods) {
  std::map<std::string, Usage> all;
  const auto metrics =
      session.client.get(with_query("/apis/metrics.k8s.io/v1beta1/namespaces/" + session.space + "/pods",
                                    {{"labelSelector", project_selector(session.project_name)}}));
  if (metrics) {
    take_metrics(TRY(parse_json(*metrics, "metrics")), all);
    return all;
  }
  std::set<std::string> nodes;
  for (const PodState& pod : pods)
    if (!pod.node.empty()) nodes.insert(pod.node);
  for (const std::string& node : nodes) {
    auto summary = session.client.get("/api/v1/nodes/" + node + "/proxy/stats/summary");
    if (!summary && summary.error().code() == Code::denied)
      return fail(Error(Code::unsupported, "measure what pods use")
                      .why("the cluster has no metrics server, and you may not query its nodes")
                      .hint("ask its administrator to install metrics-server"));
    take_summary(session, TRY(parse_json(TRY(std::move(summary)), "statistics of node " + node)), all);
  }
  return all;
}

Result<> events(Session& session, SystemTime until, const std::function<Next(const ClusterEvent&)>& on_event) {
  std::set<std::string> names;
  for (const auto& [key, seen] : TRY(look(session))) names.insert(key.second);
  const auto is_ours = [&](const ClusterEvent& event) {
    if (names.contains(event.name)) return true;
    // A controller's objects are named after it: web-5d8f7-x2x4z.
    for (std::size_t dash = event.name.rfind('-'); dash != std::string::npos && dash > 0;
         dash = event.name.rfind('-', dash - 1))
      if (names.contains(event.name.substr(0, dash))) return true;
    return false;
  };
  const std::string path = "/api/v1/namespaces/" + session.space + "/events";
  const Json list = TRY(parse_json(TRY(session.client.get(path)), "events"));
  std::vector<ClusterEvent> known;
  for (const Json& each : entries(list, "items")) known.push_back(event_of(each));
  std::ranges::stable_sort(known, {}, &ClusterEvent::time);
  for (const ClusterEvent& event : known)
    if (is_ours(event) && on_event(event) == Next::enough) return {};
  std::string version = get_string(part(list, "metadata"), "resourceVersion");
  for (SystemTime now; (now = system_now()) < until && !session.cancel.token().stop_requested();) {
    bool enough = false, expired = false;
    auto ended = session.client.lines(
        with_query(path,
                   {{"watch", "true"}, {"timeoutSeconds", seconds_of_watch(until, now)}, {"resourceVersion", version}}),
        [&](std::string_view line) {
          const auto change = parse_json(line, "event");
          expired = !change || get_string(*change, "type") == "ERROR";
          if (expired) return Next::enough;
          const Json& object = part(*change, "object");
          version = get_string(part(object, "metadata"), "resourceVersion");
          if (get_string(*change, "type") == "DELETED") return Next::more;
          const ClusterEvent event = event_of(object);
          enough = is_ours(event) && on_event(event) == Next::enough;
          return enough ? Next::enough : Next::more;
        },
        session.cancel.token());
    if (enough) return {};
    if (!ended && ended.error().code() != Code::not_found) return ended;
    if (ended && !expired) continue;
    // If nothing has happened for a long time, the server no longer knows the version to continue from.
    const Json anew = TRY(parse_json(TRY(session.client.get(path)), "events"));
    version = get_string(part(anew, "metadata"), "resourceVersion");
  }
  return {};
}

Result<std::vector<Published>> published(Session& session, const std::string& service) {
  std::vector<Published> all;
  auto body = session.client.get(path_of("v1", "Service", session.space, published_name(service)));
  if (!body && body.error().code() == Code::not_found) return all;
  const Json object = TRY(parse_json(TRY(std::move(body)), "service"));
  const std::string type = get_string(part(object, "spec"), "type");
  const bool by_node = type == "NodePort";
  if (!by_node && type != "LoadBalancer") return all;  // an Ingress, which has host names instead
  std::string address;
  if (by_node) {
    const auto nodes = session.client.get("/api/v1/nodes");
    const auto list = nodes ? parse_json(*nodes, "nodes") : Result<Json>(Json::object());
    if (list)
      for (const Json& node : entries(*list, "items"))
        for (const Json& each : entries(part(node, "status"), "addresses"))
          if (address.empty() && get_string(each, "type") == "InternalIP") address = get_string(each, "address");
  } else {
    for (const Json& each : entries(part(part(object, "status"), "loadBalancer"), "ingress"))
      if (address.empty()) address = get_string(each, "ip", get_string(each, "hostname"));
  }
  for (const Json& port : entries(part(object, "spec"), "ports"))
    all.push_back({.container = saturated<std::uint16_t>(get_int(port, "targetPort")),
                   .protocol = to_lower(get_string(port, "protocol", "TCP")),
                   .address = address,
                   .port = saturated<std::uint16_t>(get_int(port, by_node ? "nodePort" : "port"))});
  return all;
}

NodeImages node_images(Session& session, const std::string& node) {
  NodeImages made;
  const auto body = session.client.get("/api/v1/nodes/" + node);
  const auto object = body ? parse_json(*body, "node") : Result<Json>(Json::object());
  if (!object) return made;
  const Json& status = part(*object, "status");
  const Json& info = part(status, "nodeInfo");
  if (!get_string(info, "architecture").empty())
    made.platform = get_string(info, "operatingSystem", "linux") + "/" + get_string(info, "architecture");
  for (const Json& image : entries(status, "images"))
    for (const std::string& name : get_strings(image, "names"))
      if (const std::size_t at = name.find("@sha256:"); at != std::string::npos)
        made.sizes[name.substr(at + 1)] = number(image, "sizeBytes");
  return made;
}

Result<std::vector<Claim>> claims(Session& session) {
  const Json list =
      TRY(parse_json(TRY(session.client.get(with_query(path_of("v1", claim_kind, session.space),
                                                       {{"labelSelector", project_selector(session.project_name)}}))),
                     "list of claims"));
  std::vector<Claim> all;
  for (const Json& each : entries(list, "items"))
    all.push_back({.name = get_string(part(each, "metadata"), "name"),
                   .storage_class = get_string(part(each, "spec"), "storageClassName"),
                   .size = get_string(part(part(each, "status"), "capacity"), "storage"),
                   .phase = get_string(part(each, "status"), "phase")});
  return all;
}

}  // namespace consort::kube
