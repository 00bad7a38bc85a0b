#include <algorithm>

#include "base/json.hpp"
#include "kube/verbs.hpp"
#include "kube/verbs/look.hpp"

namespace consort::kube {

namespace {

using project::Outlook;

void tell(Session& session, const std::string& id, const char* status) {
  const bool done = std::string_view(status) == "Removed";
  session.progress.event({.id = id, .status = status, .outlook = done ? Outlook::done : Outlook::working});
}

// Claims of the project, by name.
Result<std::vector<std::string>> claims_of(Session& session) {
  const std::string body =
      TRY(session.client.get(with_query(path_of("v1", "PersistentVolumeClaim", session.space),
                                        {{"labelSelector", project_selector(session.project_name)}})));
  const Json list = TRY(parse_json(body, "list of claims"));
  std::vector<std::string> names;
  if (const Json* items = find_key(list, "items"); items && items->is_array())
    for (const Json& each : *items)
      if (const Json* meta = find_key(each, "metadata")) names.push_back(get_string(*meta, "name"));
  return names;
}

// Whether `up` has made the namespace for this project.
bool is_own_space(Session& session) {
  if (session.space_is != Session::Space::own) return false;
  const auto body = session.client.get("/api/v1/namespaces/" + session.space);
  const auto space = body ? parse_json(*body, "namespace") : Result<Json>(Json::object());
  const Json* meta = space ? find_key(*space, "metadata") : nullptr;
  const Json* labels = meta ? find_key(*meta, "labels") : nullptr;
  return labels && get_string(*labels, label::managed_by) == "consort" &&
         get_string(*labels, label::project) == object_name(session.project_name);
}

Result<> wait_until_gone(Session& session) {
  PodWatch watch(session.client, session.space, project_selector(session.project_name));
  std::set<std::string> shown;
  TRY(watch.follow(
      [&]() -> Result<Next> {
        std::set<std::string> left;
        for (const auto& [name, pod] : watch.pods()) {
          left.insert(name);
          if (shown.insert(name).second) tell(session, "Pod " + name, "Stopping");
        }
        for (const std::string& name : shown)
          if (!left.contains(name)) tell(session, "Pod " + name, "Removed");
        return left.empty() ? Next::enough : Next::more;
      },
      session.cancel.token()));
  if (session.cancel.token().stop_requested()) return fail(Code::interrupted, "stop");
  return {};
}

Result<bool> remove_everything(Session& session, const DownOptions& options) {
  const auto seen = TRY(look(session));
  const std::vector<std::string> claims = options.volumes ? TRY(claims_of(session)) : std::vector<std::string>();
  const bool own_space = options.volumes && is_own_space(session);
  if (seen.empty() && claims.empty() && !own_space) return false;
  if (session.trial == Trial::yes) {
    for (const auto& [key, each] : seen) tell(session, key.first + " " + key.second, "Removed");
    for (const std::string& claim : claims) tell(session, "PersistentVolumeClaim " + claim, "Removed");
    return true;
  }
  for (const Kind& kind : project_kinds())
    for (const auto& [key, each] : seen) {
      if (key.first != kind.name || !each.path.starts_with(kind.path)) continue;
      TRY(session.client.remove(each.path));
      tell(session, key.first + " " + key.second, "Removed");
    }
  TRY(wait_until_gone(session));
  for (const std::string& claim : claims) {
    TRY(session.client.remove(path_of("v1", "PersistentVolumeClaim", session.space, claim)));
    tell(session, "PersistentVolumeClaim " + claim, "Removed");
  }
  if (own_space) {
    TRY(session.client.remove("/api/v1/namespaces/" + session.space));
    tell(session, "Namespace " + session.space, "Removed");
  }
  return true;
}

}  // namespace

Result<bool> take_down(Session& session, const DownOptions& options) {
  session.progress.begin("Running");
  auto outcome = remove_everything(session, options);
  session.progress.finish();
  return outcome;
}

}  // namespace consort::kube
