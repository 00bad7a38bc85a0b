#include "kube/verbs/space.hpp"

#include <optional>
#include <set>

#include "base/json.hpp"
#include "kube/manifests.hpp"
#include "kube/verbs.hpp"

namespace consort::kube {

namespace {

using project::Outlook;

constexpr const char* namespaces = "/api/v1/namespaces";

void tell(Session& session, const char* status, Outlook outlook) {
  session.progress.event({.id = "Namespace " + session.space, .status = status, .outlook = outlook});
}

struct Space {
  bool ours = false;     // `up` has created it for this project
  bool leaving = false;  // it is being removed
};

// nullopt if it does not exist.
Result<std::optional<Space>> find(Session& session) {
  auto body = session.client.get(std::string(namespaces) + "/" + session.space);
  if (!body && body.error().code() == Code::not_found) return std::nullopt;
  // A user who may not read namespaces may still be allowed to use one.
  if (!body && body.error().code() == Code::denied) return Space{};
  const Json space = TRY(parse_json(TRY(std::move(body)), "namespace"));
  Space made;
  if (const Json* meta = find_key(space, "metadata")) {
    made.leaving = meta->contains("deletionTimestamp");
    if (const Json* labels = find_key(*meta, "labels"))
      made.ours = get_string(*labels, label::managed_by) == "consort" &&
                  get_string(*labels, label::project) == object_name(session.project_name);
  }
  return made;
}

Result<> wait_for_end(Session& session) {
  return wait_until_gone(session, namespaces, {{"fieldSelector", "metadata.name=" + session.space}}, {});
}

Result<> create(Session& session) {
  const Json labels{{label::managed_by, "consort"}, {label::project, object_name(session.project_name)}};
  auto made = session.client.create(namespaces,
                                    dump_json(Json{{"apiVersion", "v1"},
                                                   {"kind", "Namespace"},
                                                   {"metadata", Json{{"name", session.space}, {"labels", labels}}}}));
  // Conflict: another command created it first.
  if (!made && made.error().code() != Code::conflict) return fail(std::move(made).error());
  return {};
}

std::string name_of(const Json& object) {
  const Json* meta = find_key(object, "metadata");
  return meta ? get_string(*meta, "name") : "";
}

}  // namespace

Result<bool> ensure_space(Session& session) {
  const auto found = TRY(find(session));
  if (found && !found->leaving) return true;
  if (session.space_is == Session::Space::shared)
    return fail(Error(Code::not_found, "find namespace \"" + session.space + "\"")
                    .why(found ? "it is being removed" : "")
                    .hint("create it: kubectl create namespace " + session.space));
  if (session.trial == Trial::no) {
    if (found) {
      tell(session, "Waiting for the old one to end", Outlook::working);
      TRY(wait_for_end(session));
    }
    TRY(create(session));
  }
  tell(session, "Created", Outlook::done);
  return session.trial == Trial::no;
}

bool is_own_space(Session& session) {
  if (session.space_is != Session::Space::own) return false;
  const auto found = find(session);
  return found && *found && (*found)->ours;
}

Result<bool> remove_space(Session& session) {
  if (!is_own_space(session)) return false;
  if (session.trial == Trial::no) {
    tell(session, "Removing", Outlook::working);
    auto removed = session.client.remove(std::string(namespaces) + "/" + session.space);
    if (!removed && removed.error().code() != Code::conflict) return fail(std::move(removed).error());
    TRY(wait_for_end(session));
  }
  tell(session, "Removed", Outlook::done);
  return true;
}

Result<> wait_until_gone(Session& session, const std::string& path, const Query& query, const Leaving& leaving) {
  const std::stop_token stop = session.cancel.token();
  std::set<std::string> known, left;
  const auto go = [&](const std::string& name) {
    if (left.erase(name) > 0 && leaving.gone) leaving.gone(name);
  };
  while (!stop.stop_requested()) {
    const Json list = TRY(parse_json(TRY(session.client.get(with_query(path, query))), "list"));
    std::set<std::string> now;
    if (const Json* items = find_key(list, "items"); items && items->is_array())
      for (const Json& each : *items) now.insert(name_of(each));
    for (const std::string& name : now) {
      left.insert(name);
      if (known.insert(name).second && leaving.left) leaving.left(name);
    }
    for (const std::string& name : std::set<std::string>(left))
      if (!now.contains(name)) go(name);
    if (left.empty()) return {};
    Query following = query;
    const Json* meta = find_key(list, "metadata");
    following.emplace_back("watch", "true");
    following.emplace_back("timeoutSeconds", "300");
    following.emplace_back("resourceVersion", meta ? get_string(*meta, "resourceVersion") : "");
    auto ended = session.client.lines(
        with_query(path, following),
        [&](std::string_view line) {
          const auto event = parse_json(line, "change");
          const std::string type = event ? get_string(*event, "type") : "ERROR";
          if (type == "ERROR") return Next::enough;
          if (const Json* object = find_key(*event, "object"); object && type == "DELETED") go(name_of(*object));
          return left.empty() ? Next::enough : Next::more;
        },
        stop);
    if (!ended && ended.error().code() != Code::not_found) return fail(std::move(ended).error());
    if (left.empty()) return {};
  }
  return fail(Code::interrupted, "stop");
}

Result<> remove_pods(Session& session, const std::string& selector) {
  const Query ours{{"labelSelector", selector}};
  const std::string pods = path_of("v1", "Pod", session.space);
  const auto tell_of_pod = [&](const std::string& name, const char* status, Outlook outlook) {
    session.progress.event({.id = "Pod " + name, .status = status, .outlook = outlook});
  };
  // A ReplicaSet outlives its Deployment for a moment, and may replace a pod that is being removed.
  constexpr int rounds = 2;
  for (int round = 0; round < rounds; ++round) {
    for (const std::string& path : {path_of("apps/v1", "ReplicaSet", session.space), pods}) {
      auto removed = session.client.remove(with_query(path, ours));
      // A user without the right to delete collections leaves the removal to the cluster.
      if (!removed && removed.error().code() != Code::denied) return removed;
    }
    TRY(wait_until_gone(session, pods, ours,
                        {.left = [&](const std::string& name) { tell_of_pod(name, "Stopping", Outlook::working); },
                         .gone = [&](const std::string& name) { tell_of_pod(name, "Removed", Outlook::done); }}));
  }
  return {};
}

}  // namespace consort::kube
