// stop, start and restart: change the replicas, or an annotation of the template, without the file.
#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "kube/kinds.hpp"
#include "kube/verbs.hpp"

namespace consort::kube {

namespace {

using project::Outlook;

bool is_wanted(const std::vector<std::string>& services, const std::string& service) {
  return services.empty() ||
         std::ranges::any_of(services, [&](const std::string& each) { return object_name(each) == service; });
}

Result<> check_known(const std::vector<Scaled>& found, const std::vector<std::string>& services) {
  for (const std::string& name : services)
    if (std::ranges::find(found, object_name(name), &Scaled::service) == found.end())
      return fail(Code::not_found, "no such service: " + name);
  return {};
}

std::string path_to(const Session& session, const Scaled& each) {
  return path_of("apps/v1", each.kind, session.space, each.name);
}

// Waits until `fits` is true for the pods of each of these services.
Result<> wait_for(Session& session, const std::vector<Scaled>& those, const char* status,
                  const std::function<bool(const Scaled&, const std::vector<const PodState*>&)>& fits) {
  PodWatch watch(session.client, session.space, project_selector(session.project_name));
  std::set<std::string> done;
  TRY(watch.follow(
      [&]() -> Result<Next> {
        for (const Scaled& each : those) {
          std::vector<const PodState*> pods;
          for (const auto& [name, pod] : watch.pods())
            if (pod.service == each.service) pods.push_back(&pod);
          if (!done.contains(each.name) && fits(each, pods)) {
            done.insert(each.name);
            session.progress.event({.id = each.kind + " " + each.name, .status = status, .outlook = Outlook::done});
          }
        }
        return done.size() == those.size() ? Next::enough : Next::more;
      },
      session.cancel.token()));
  if (session.cancel.token().stop_requested()) return fail(Code::interrupted, "stop");
  return {};
}

// Reports the operation like a plan, with its begin and end.
Result<> tell(Session& session, const std::function<Result<>()>& what) {
  session.progress.begin("Running");
  auto outcome = what();
  session.progress.finish();
  return outcome;
}

}  // namespace

Result<std::vector<Scaled>> scaled(Session& session, const std::vector<std::string>& services) {
  std::vector<Scaled> all;
  for (const char* kind : {"Deployment", "StatefulSet", "DaemonSet"}) {
    const std::string body = TRY(session.client.get(with_query(
        path_of("apps/v1", kind, session.space), {{"labelSelector", project_selector(session.project_name)}})));
    const Json list = TRY(parse_json(body, "list of services"));
    const Json* items = find_key(list, "items");
    if (!items || !items->is_array()) continue;
    for (const Json& each : *items) {
      const Json* meta = find_key(each, "metadata");
      const Json* spec = find_key(each, "spec");
      if (!meta || !spec) continue;
      const Json* labels = find_key(*meta, "labels");
      const Json* annotations = find_key(*meta, "annotations");
      Scaled made{.kind = kind, .name = get_string(*meta, "name")};
      made.service = labels ? get_string(*labels, label::service) : "";
      made.replicas = static_cast<unsigned>(get_int(*spec, "replicas", 1));
      made.of_file =
          annotations
              ? static_cast<unsigned>(parse_unsigned(get_string(*annotations, annotation::replicas)).value_or(1))
              : 1;
      if (const Json* pods = find_key(*spec, "template"))
        if (const Json* inner = find_key(*pods, "spec"))
          if (const Json* containers = find_key(*inner, "containers"); containers && !containers->empty())
            made.image = get_string(containers->front(), "image");
      all.push_back(std::move(made));
    }
  }
  TRY(check_known(all, services));
  std::erase_if(all, [&](const Scaled& each) { return !is_wanted(services, each.service); });
  return all;
}

Result<> set_replicas(Session& session, const Scaled& of, unsigned count) {
  TRY(session.client.merge(path_to(session, of), dump_json(Json{{"spec", Json{{"replicas", count}}}})));
  return {};
}

Result<> stop(Session& session, const std::vector<std::string>& services) {
  std::vector<Scaled> those = TRY(scaled(session, services));
  // Without service names, stops everything that can be stopped.
  if (services.empty())
    std::erase_if(those, [&](const Scaled& each) {
      if (each.kind != "DaemonSet") return false;
      session.progress.warn("service \"" + each.service + "\" runs on: `down` ends what runs on each node");
      return true;
    });
  return tell(session, [&]() -> Result<> {
    for (const Scaled& each : those) {
      if (each.kind == "DaemonSet")
        return fail(Error(Code::unsupported, "stop service \"" + each.service + "\"")
                        .why("a service that runs on each node cannot be scaled to 0")
                        .hint("`down` removes it"));
      session.progress.event({.id = each.kind + " " + each.name, .status = "Stopping", .outlook = Outlook::working});
      TRY(set_replicas(session, each, 0));
    }
    return wait_for(session, those, "Stopped", [](const Scaled&, const auto& pods) { return pods.empty(); });
  });
}

Result<> start(Session& session, const std::vector<std::string>& services) {
  std::vector<Scaled> those = TRY(scaled(session, services));
  std::erase_if(those, [](const Scaled& each) { return each.kind == "DaemonSet"; });
  return tell(session, [&]() -> Result<> {
    for (const Scaled& each : those)
      if (each.replicas == 0) TRY(set_replicas(session, each, each.of_file));
    return wait_for(session, those, "Started", [](const Scaled& each, const auto& pods) {
      const unsigned wanted = each.replicas == 0 ? each.of_file : each.replicas;
      return std::ranges::count_if(pods, [](const PodState* pod) { return pod->running() && !pod->deleting; }) >=
             static_cast<std::ptrdiff_t>(wanted);
    });
  });
}

Result<> restart(Session& session, const std::vector<std::string>& services) {
  const std::vector<Scaled> those = TRY(scaled(session, services));
  return tell(session, [&]() -> Result<> {
    PodWatch before(session.client, session.space, project_selector(session.project_name));
    TRY(before.list());
    // As `kubectl rollout restart` does: the pods are replaced one after another.
    const std::string patch = dump_json(Json{
        {"spec", Json{{"template", Json{{"metadata", Json{{"annotations", Json{{"kubectl.kubernetes.io/restartedAt",
                                                                                format_rfc3339(system_now())}}}}}}}}}});
    for (const Scaled& each : those) {
      session.progress.event({.id = each.kind + " " + each.name, .status = "Restarting", .outlook = Outlook::working});
      TRY(session.client.merge(path_to(session, each), patch));
    }
    return wait_for(session, those, "Started", [&](const Scaled& each, const auto& pods) {
      const auto renewed = [&](const PodState* pod) {
        const auto old = before.pods().find(pod->name);
        const bool same = old != before.pods().end() && old->second.uid == pod->uid;
        return !same && pod->running() && !pod->deleting;
      };
      return std::ranges::count_if(pods, renewed) >= static_cast<std::ptrdiff_t>(each.replicas);
    });
  });
}

}  // namespace consort::kube
