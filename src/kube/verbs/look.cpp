#include "kube/verbs/look.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "kube/verbs.hpp"

namespace consort::kube {

namespace {

std::string text_at(const Json& object, std::string_view section, std::string_view key) {
  const Json* found = find_key(object, section);
  return found ? get_string(*found, key) : "";
}

bool holds(const Json& job, std::string_view condition) {
  const Json* status = find_key(job, "status");
  const Json* conditions = status ? find_key(*status, "conditions") : nullptr;
  return conditions && conditions->is_array() && std::ranges::any_of(*conditions, [&](const Json& each) {
           return get_string(each, "type") == condition && get_string(each, "status") == "True";
         });
}

// object: including its metadata.
Seen seen_of(std::string_view kind, std::string path, Json object) {
  Seen made{.path = std::move(path), .service = text_at(object.at("metadata"), "labels", label::service)};
  made.failed = kind == "Job" && holds(object, "Failed");
  made.ended = made.failed || (kind == "Job" && holds(object, "Complete"));
  made.object = std::move(object);
  return made;
}

}  // namespace

Result<std::map<ObjectKey, Seen>> look(Session& session) {
  std::map<ObjectKey, Seen> seen;
  for (const Kind& kind : project_kinds()) {
    const std::string path = path_of(kind, session.space);
    auto body = session.client.get(with_query(path, {{"labelSelector", project_selector(session.project_name)}}));
    if (!body && body.error().code() == Code::not_found) continue;  // this cluster's version does not have the kind
    if (!body && kind.rare && body.error().code() == Code::denied) continue;
    if (!body) return fail(std::move(body).error());
    const Json list = TRY(parse_json(*body, "list of " + std::string(kind.plural)));
    const Json* items = find_key(list, "items");
    if (!items || !items->is_array()) continue;
    for (const Json& each : *items) {
      const std::string name = text_at(each, "metadata", "name");
      if (name.empty()) continue;
      seen.try_emplace({std::string(kind.name), name}, seen_of(kind.name, path + "/" + name, each));
    }
  }
  return seen;
}

Result<std::optional<Seen>> look_again(Session& session, const Object& object) {
  std::string path = path_of(object.api_version, object.kind, session.space, object.name);
  auto body = session.client.get(path);
  if (!body && body.error().code() == Code::not_found) return std::nullopt;
  if (!body) return fail(std::move(body).error());
  Json now = TRY(parse_json(*body, object.kind + " " + object.name));
  if (!find_key(now, "metadata")) return std::nullopt;
  return seen_of(object.kind, std::move(path), std::move(now));
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
    if (at < time) continue;  // both are RFC 3339 in UTC, so they sort as text
    time = std::move(at);
    text = std::string(trim(get_string(each, "message")));
  }
  constexpr std::string_view several = "(combined from similar events): ";  // of interest only when counting
  if (text.starts_with(several)) text.erase(0, several.size());
  return text;
}

std::uint64_t failed_checks(Session& session, const std::string& pod) {
  const auto body =
      session.client.get(with_query("/api/v1/namespaces/" + session.space + "/events",
                                    {{"fieldSelector", "involvedObject.name=" + pod + ",reason=Unhealthy"}}));
  const auto list = body ? parse_json(*body, "events") : Result<Json>(Json::object());
  const Json* items = list ? find_key(*list, "items") : nullptr;
  std::uint64_t count = 0;
  if (items && items->is_array())
    for (const Json& each : *items)
      count += static_cast<std::uint64_t>(std::max<std::int64_t>(1, get_int(each, "count")));
  return count;
}

Result<std::int64_t> minor_version(Client& client) {
  constexpr std::int64_t current = 99;  // assumed if the server does not report a version
  const Json version = TRY(parse_json(TRY(client.get("/version")), "version"));
  const std::string minor = get_string(version, "minor");  // "20", or "27+"
  return parse_signed(minor.substr(0, minor.find_first_not_of("0123456789"))).value_or(current);
}

Result<std::string> cron_job_version(Client& client) {
  const Json group = TRY(parse_json(TRY(client.get("/apis/batch/v1")), "discovery of batch/v1"));
  if (const Json* resources = find_key(group, "resources"); resources && resources->is_array())
    for (const Json& each : *resources)
      if (get_string(each, "kind") == "CronJob") return "batch/v1";
  return "batch/v1beta1";
}

std::string last_output(Session& session, const std::string& pod, const std::string& container) {
  constexpr const char* lines = "5";
  const std::string path = path_of("v1", "Pod", session.space, pod) + "/log";
  for (const char* previous : {"false", "true"}) {
    Query query{{"tailLines", lines}, {"previous", previous}};
    if (!container.empty()) query.emplace_back("container", container);
    const auto text = session.client.get(with_query(path, query));
    if (text && !trim(*text).empty()) return std::string(trim(*text));
  }
  return "";
}

}  // namespace consort::kube
