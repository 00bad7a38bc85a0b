// kill and rm: end pods at once, and remove pods that have ended.
#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "kube/verbs.hpp"
#include "kube/verbs/look.hpp"
#include "kube/verbs/space.hpp"

namespace consort::kube {

namespace {

using project::Outlook;

bool is_kill(const std::string& signal) {
  const std::string name = to_upper(signal);
  return name.empty() || name == "KILL" || name == "SIGKILL" || name == "9";
}

void tell_of(Session& session, const std::string& id, const char* status, Outlook outlook) {
  session.progress.event({.id = id, .status = status, .outlook = outlook});
}

// The API can end pods but cannot send signals; a shell in the container can.
Result<> send_signal(Session& session, const std::vector<PodState>& pods, const std::string& signal) {
  std::string name = to_upper(signal);
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (const PodState& pod : pods) {
    tell_of(session, "Pod " + pod.name, "Killing", Outlook::working);
    auto sent = exec_capture(session, pod, {"sh", "-c", "kill -s \"$0\" 1", name});
    if (!sent)
      return fail(std::move(sent)
                      .error()
                      .wrap("send signal " + name + " to pod " + pod.name)
                      .hint("the container's own sh sends it; `kill` without a signal needs none"));
    tell_of(session, "Pod " + pod.name, "Killed", Outlook::done);
  }
  return {};
}

// Nothing may start the pods again, as with `kill` on one machine.
Result<> end_now(Session& session, const std::vector<PodState>& pods) {
  for (const Scaled& each : TRY(scaled(session, {}))) {
    const bool wanted = std::ranges::find(pods, each.service, &PodState::service) != pods.end();
    if (wanted && each.kind != "DaemonSet") TRY(set_replicas(session, each, 0));
  }
  // A Job has no replica count: it is deleted, and the next `up` creates it again, just as `up` on one machine starts
  // killed containers. A CronJob creates its Job again when it is next due.
  std::set<std::string> jobs;
  for (const PodState& pod : pods)
    if (!pod.job.empty()) jobs.insert(pod.job);
  for (const std::string& job : jobs) TRY(session.client.remove(path_of("batch/v1", "Job", session.space, job)));
  // One second is the shortest safe grace period: with zero, the API forgets a pod that may still be running.
  const Query at_once{{"gracePeriodSeconds", "1"}};
  std::set<std::string> left;
  for (const PodState& pod : pods) {
    left.insert(pod.name);
    tell_of(session, "Pod " + pod.name, "Killing", Outlook::working);
    TRY(session.client.remove(with_query(path_of("v1", "Pod", session.space, pod.name), at_once)));
  }
  PodWatch watch(session.client, session.space, project_selector(session.project_name));
  TRY(watch.follow(
      [&]() -> Result<Next> {
        std::erase_if(left, [&](const std::string& name) {
          const auto known = std::ranges::find(pods, name, &PodState::name);
          const auto now = watch.pods().find(name);
          if (now != watch.pods().end() && now->second.uid == known->uid) return false;
          tell_of(session, "Pod " + name, "Killed", Outlook::done);
          return true;
        });
        return left.empty() ? Next::enough : Next::more;
      },
      session.cancel.token()));
  if (session.cancel.token().stop_requested()) return fail(Code::interrupted, "stop");
  return {};
}

bool is_named(const std::vector<std::string>& services, const std::string& service) {
  return services.empty() ||
         std::ranges::any_of(services, [&](const std::string& each) { return object_name(each) == service; });
}

}  // namespace

Result<> kill(Session& session, const std::vector<std::string>& services, const std::string& signal) {
  std::vector<PodState> pods = TRY(pods_of(session, services));
  std::erase_if(pods, [](const PodState& pod) { return pod.service.empty() || pod.deleting || !pod.running(); });
  session.progress.begin("Killing");
  auto outcome = is_kill(signal) ? end_now(session, pods) : send_signal(session, pods, signal);
  session.progress.finish();
  return outcome;
}

Result<std::vector<Ended>> ended(Session& session, const std::vector<std::string>& services) {
  std::vector<Ended> all;
  const auto seen = TRY(look(session));
  for (const Scaled& each : TRY(scaled(session, {})))
    if (each.replicas == 0 && each.kind != "DaemonSet" && is_named(services, each.service))
      all.push_back({each.kind + " " + each.name, path_of("apps/v1", each.kind, session.space, each.name)});
  for (const auto& [key, object] : seen)
    if (object.ended && is_named(services, object.service)) all.push_back({key.first + " " + key.second, object.path});
  for (const PodState& pod : TRY(pods_of(session, {})))
    if (!pod.one_off.empty() && pod.ended() && is_named(services, pod.one_off))
      all.push_back({"Pod " + pod.name, path_of("v1", "Pod", session.space, pod.name)});
  return all;
}

Result<> remove_ended(Session& session, const std::vector<Ended>& those) {
  session.progress.begin("Removing");
  const auto remove_all = [&]() -> Result<> {
    for (const Ended& each : those) {
      if (session.trial == Trial::no) TRY(session.client.remove(each.path));
      tell_of(session, each.id, "Removed", Outlook::done);
    }
    return {};
  };
  auto outcome = remove_all();
  session.progress.finish();
  return outcome;
}

}  // namespace consort::kube
