#include "kube/verbs/look.hpp"

#include "base/json.hpp"
#include "base/strings.hpp"
#include "kube/verbs.hpp"

namespace consort::kube {

namespace {

std::string text_at(const Json& object, std::string_view section, std::string_view key) {
  const Json* found = find_key(object, section);
  return found ? get_string(*found, key) : "";
}

}  // namespace

Result<std::map<ObjectKey, Seen>> look(Session& session) {
  std::map<ObjectKey, Seen> seen;
  for (const Kind& kind : project_kinds()) {
    const std::string path = path_of(kind, session.space);
    auto body = session.client.get(with_query(path, {{"labelSelector", project_selector(session.project_name)}}));
    if (!body && body.error().code() == Code::not_found) continue;  // not in this version
    if (!body) return fail(std::move(body).error());
    const Json list = TRY(parse_json(*body, "list of " + std::string(kind.plural)));
    const Json* items = find_key(list, "items");
    if (!items || !items->is_array()) continue;
    for (const Json& each : *items) {
      const std::string name = text_at(each, "metadata", "name");
      const Json* meta = find_key(each, "metadata");
      seen.try_emplace({std::string(kind.name), name}, Seen{path + "/" + name, text_at(*meta, "labels", label::service),
                                                            get_string(*meta, "resourceVersion")});
    }
  }
  return seen;
}

std::string last_warning(Session& session, const std::string& name_prefix, const std::string& reason) {
  const auto body = session.client.get(
      with_query("/api/v1/namespaces/" + session.space + "/events", {{"fieldSelector", "type=Warning"}}));
  const auto list = body ? parse_json(*body, "events") : Result<Json>(Json::object());
  const Json* items = list ? find_key(*list, "items") : nullptr;
  if (!items || !items->is_array()) return "";
  std::string text, time;
  for (const Json& each : *items) {
    if (!text_at(each, "involvedObject", "name").starts_with(name_prefix)) continue;
    if (!reason.empty() && get_string(each, "reason") != reason) continue;
    std::string at = get_string(each, "lastTimestamp");
    if (at.empty()) at = text_at(each, "metadata", "creationTimestamp");
    if (at < time) continue;  // RFC 3339 in UTC: the order of letters is that of times
    time = std::move(at);
    text = std::string(trim(get_string(each, "message")));
  }
  return text;
}

Result<std::string> cron_job_version(Client& client) {
  const Json group = TRY(parse_json(TRY(client.get("/apis/batch/v1")), "discovery of batch/v1"));
  if (const Json* resources = find_key(group, "resources"); resources && resources->is_array())
    for (const Json& each : *resources)
      if (get_string(each, "kind") == "CronJob") return "batch/v1";
  return "batch/v1beta1";
}

std::string last_output(Session& session, const std::string& pod) {
  constexpr const char* lines = "5";
  const std::string path = path_of("v1", "Pod", session.space, pod) + "/log";
  for (const char* previous : {"false", "true"}) {
    const auto text = session.client.get(with_query(path, {{"tailLines", lines}, {"previous", previous}}));
    if (text && !trim(*text).empty()) return std::string(trim(*text));
  }
  return "";
}

}  // namespace consort::kube
