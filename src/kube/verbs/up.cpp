// up: applies objects service by service, each as soon as its dependencies have reached the state that the file
// requires.
#include <algorithm>

#include "base/json.hpp"
#include "kube/as_applied.hpp"
#include "kube/field_diff.hpp"
#include "kube/one_off.hpp"
#include "kube/verbs.hpp"
#include "kube/verbs/look.hpp"
#include "kube/verbs/space.hpp"

namespace consort::kube {

namespace {

using Clock = std::chrono::steady_clock;
using project::Outlook;
constexpr std::chrono::seconds default_limit{60};
constexpr std::chrono::seconds pods_within{10};  // after that, the events are searched for the reason

class Up {
 public:
  Up(Session& session, const compose::Project& project, const Manifests& manifests, const UpOptions& options)
      : session_(session),
        project_(project),
        manifests_(manifests),
        options_(options),
        limit_(options.limit.count() > 0 ? options.limit : default_limit),
        watch_(session.client, session.space, project_selector(project.name)) {}

  Result<> run() {
    there_ = TRY(ensure_space(session_));
    if (there_) seen_ = TRY(look(session_));
    TRY(apply_all_of(""));
    for (const compose::Service* job : jobs()) TRY(apply_all_of(job->name));
    if (session_.trial == Trial::yes) {
      for (const Workload& each : manifests_.workloads) TRY(apply_all_of(each.service));
      return prune();
    }
    last_change_ = Clock::now();
    TRY(watch_.follow([this] { return step(); }, session_.cancel.token()));
    if (session_.cancel.token().stop_requested()) return fail(Code::interrupted, "stop");
    for (const auto& [name, pod] : watch_.pods())
      if (pod.passing && pod.ended()) TRY(remove_pod(session_, name));
    return prune();
  }

 private:
  std::vector<const compose::Service*> jobs() const {
    std::vector<const compose::Service*> all;
    for (const auto& [name, job] : project_.jobs) all.push_back(&job);
    return all;
  }

  void tell(const std::string& id, const std::string& status, Outlook outlook) {
    std::string& told = told_[id];
    if (told == status) return;
    told = status;
    last_change_ = Clock::now();
    session_.progress.event({.id = id, .status = status, .outlook = outlook});
  }

  Result<> apply_all_of(const std::string& service) {
    for (const Object& object : manifests_.objects)
      if (object.service == service) TRY(apply(object));
    applied_.insert(service);
    return {};
  }

  Result<> apply(const Object& object) {
    const std::string id = object.kind + " " + object.name;
    if (!there_) {  // nothing can be tried in a namespace that does not exist
      tell(id, "Created", Outlook::done);
      return {};
    }
    const std::string path = path_of(object.api_version, object.kind, session_.space, object.name);
    if (waited_) TRY(see_again(object));
    const Json wanted = TRY(to_apply(object.json));
    if (TRY(make_room(object, wanted, path)) && session_.trial == Trial::yes) return {};
    const auto before = seen_.find({object.kind, object.name});
    const bool failed = before != seen_.end() && before->second.failed;
    if (before != seen_.end() && !failed && is_as_applied(before->second.object, wanted)) {
      tell(id, "Unchanged", Outlook::done);
      return {};
    }
    if (failed) TRY(forget_failed(object, path));
    if (before == seen_.end()) TRY(await_former(object));
    auto applied = apply_whole(object, path, dump_json(wanted));
    if (!applied) {
      tell(id, "Error", Outlook::error);
      const bool conflict = applied.error().code() == Code::conflict && options_.force == Force::no;
      Error error = std::move(applied).error().wrap("apply " + id);
      if (conflict) error.data().hint = "--force-conflicts overwrites what others have set";
      if (error.code() == Code::not_found && object.kind == "HTTPRoute")
        error.data().hint =
            "does the cluster have the Gateway API (" + object.api_version + ")? publish: ingress needs none";
      return fail(std::move(error));
    }
    if (session_.trial == Trial::yes) return show_trial(object, path, *applied);
    const Json now = TRY(parse_json(applied->body, id));
    const bool same = before != seen_.end() && version_of(now) == version_of(before->second.object);
    tell(id, applied->created ? "Created" : same ? "Unchanged" : "Configured", Outlook::done);
    return {};
  }

  // Removes a Service that cannot be changed into the wanted one; its name does not resolve for a moment. False if
  // there is no need to.
  Result<bool> make_room(const Object& object, const Json& wanted, const std::string& path) {
    const auto before = seen_.find({object.kind, object.name});
    if (before == seen_.end() || !has_other_address(before->second.object, wanted)) return false;
    tell(object.kind + " " + object.name, "Recreated", Outlook::done);
    if (session_.trial == Trial::yes) return true;
    TRY(session_.client.remove(path));
    seen_.erase(before);
    return true;
  }

  // During a wait, the object may have been replaced or removed.
  Result<> see_again(const Object& object) {
    const auto before = seen_.find({object.kind, object.name});
    if (before == seen_.end()) return {};
    if (auto now = TRY(look_again(session_, object))) {
      before->second = std::move(*now);
    } else {
      seen_.erase(before);
    }
    return {};
  }

  static std::string version_of(const Json& object) {
    const Json* meta = find_key(object, "metadata");
    return meta ? get_string(*meta, "resourceVersion") : "";
  }

  // An object that is being deleted, as after an interrupted `down -v`, accepts changes but disappears anyway. So wait,
  // and apply again.
  Result<Client::Applied> apply_whole(const Object& object, const std::string& path, const std::string& body) {
    for (;;) {
      Client::Applied applied = TRY(session_.client.apply(path, body, options_.force, session_.trial));
      const Json now = TRY(parse_json(applied.body, object.name));
      const Json* meta = find_key(now, "metadata");
      if (session_.trial == Trial::yes || !meta || !meta->contains("deletionTimestamp")) return applied;
      tell(object.kind + " " + object.name, "Waiting for the old one to end", Outlook::working);
      waited_ = true;
      TRY(wait_until_gone(session_, path_of(object.api_version, object.kind, session_.space),
                          {{"fieldSelector", "metadata.name=" + object.name}}, {}));
    }
  }

  // The next `up` runs a failed Job again, as it starts a container that has exited.
  Result<> forget_failed(const Object& job, const std::string& path) {
    if (session_.trial == Trial::yes) return {};
    forget_pods(job.service);
    waited_ = true;
    TRY(session_.client.remove(path));
    return remove_pods(session_, service_selector(session_.project_name, job.service));
  }

  // Pods outlive their controller for a while, as after an interrupted `down`. They are not the wanted ones, and a
  // StatefulSet that finds its pods' names taken only tries again after a minute.
  Result<> await_former(const Object& object) {
    if (session_.trial == Trial::yes || !is_workload(object.kind)) return {};
    const bool has_maker = std::ranges::any_of(seen_, [&](const auto& each) {
      return is_workload(each.first.first) && each.second.service == object_name(object.service);
    });
    if (has_maker || !forget_pods(object.service)) return {};
    waited_ = true;
    return remove_pods(session_, service_selector(session_.project_name, object.service));
  }

  static bool is_workload(const std::string& kind) {
    return kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet" || kind == "Job";
  }

  // Returns false if the service has none.
  bool forget_pods(const std::string& service) {
    bool any = false;
    for (const auto& [name, pod] : watch_.pods())
      if (pod.service == object_name(service)) any = former_.insert(pod.uid).second || any;
    return any;
  }

  // Shows how the server would change the object, compared to its present state.
  Result<> show_trial(const Object& object, const std::string& path, const Client::Applied& applied) {
    const std::string id = object.kind + " " + object.name;
    if (applied.created) {
      tell(id, "Created", Outlook::done);
      return {};
    }
    const Json now = TRY(parse_json(TRY(session_.client.get(path)), id));
    const Json then = TRY(parse_json(applied.body, id));
    const std::vector<std::string> changes = field_diff(without_digest(now), without_digest(then));
    tell(id, changes.empty() ? "Unchanged" : "Configured", Outlook::done);
    std::string text;
    for (const std::string& change : changes) text += id + " " + change + "\n";
    if (!text.empty()) session_.progress.output(text);
    return {};
  }

  std::vector<const PodState*> pods_of(const Workload& workload) const {
    std::vector<const PodState*> pods;
    for (const auto& [name, pod] : watch_.pods())
      if (pod.service == object_name(workload.service) && pod.config == workload.config && !pod.deleting &&
          !former_.contains(pod.uid))
        pods.push_back(&pod);
    return pods;
  }

  bool has(const Workload& workload, compose::DependencyCondition condition) const {
    using enum compose::DependencyCondition;
    const auto pods = pods_of(workload);
    const auto fits = [&](const PodState* pod) {
      if (condition == completed_successfully) return pod->phase == "Succeeded";
      if (condition == healthy && !workload.ends) return pod->ready || (!pod->probed && pod->running());
      return pod->started();
    };
    const auto count = static_cast<unsigned>(std::ranges::count_if(pods, fits));
    return workload.kind == "DaemonSet" ? count > 0 && count == pods.size() : count >= workload.replicas;
  }

  const Workload* workload_of(const std::string& service) const {
    const auto found = std::ranges::find(manifests_.workloads, service, &Workload::service);
    return found == manifests_.workloads.end() ? nullptr : &*found;
  }

  bool may_be_applied(const Workload& workload) const {
    for (const auto& [name, dependency] : project_.services.at(workload.service).depends_on) {
      const Workload* other = workload_of(name);
      if (!other) continue;  // not part of this `up`
      if (!applied_.contains(name) || !has(*other, dependency.condition)) return false;
    }
    return true;
  }

  // The condition of this workload that its dependents, or the user, wait for.
  compose::DependencyCondition awaited(const Workload& workload) const {
    using enum compose::DependencyCondition;
    compose::DependencyCondition most = options_.wait == Wait::healthy ? healthy : started;
    for (const Workload& other : manifests_.workloads) {
      const auto& depends_on = project_.services.at(other.service).depends_on;
      const auto found = depends_on.find(workload.service);
      if (found != depends_on.end() && !applied_.contains(other.service))
        most = std::max(most, found->second.condition);
    }
    return most;
  }

  Result<Next> step() {
    for (const Workload& workload : manifests_.workloads)
      if (applied_.contains(workload.service))
        for (const PodState* pod : pods_of(workload)) TRY(look_at(workload, *pod));
    for (const Workload& workload : manifests_.workloads)
      if (!applied_.contains(workload.service) && may_be_applied(workload)) TRY(apply_all_of(workload.service));
    bool done = true;
    for (const Workload& workload : manifests_.workloads) {
      const bool applied = applied_.contains(workload.service);
      if (applied && has(workload, awaited(workload))) continue;
      done = false;
      if (applied && pods_of(workload).size() < workload.replicas) TRY(ask_why_some_are_missing(workload));
    }
    waited_ = true;
    return done ? Next::enough : Next::more;
  }

  static std::string status_of(const PodState& pod) {
    if (pod.phase == "Succeeded") return "Exited";
    if (pod.ready && pod.probed) return "Healthy";
    if (pod.running()) return pod.probed ? "Waiting" : "Started";
    return pod.waiting.empty() || pod.waiting == "PodInitializing" ? "Starting" : pod.waiting;
  }

  Result<> look_at(const Workload& workload, const PodState& pod) {
    const std::string id = "Pod " + pod.name;
    const bool settled = has(workload, awaited(workload));
    tell(id, status_of(pod), settled || pod.ready ? Outlook::done : Outlook::working);
    if (pod.running()) running_since_.try_emplace(pod.name, Clock::now());
    if (pod.waiting == "ErrImagePull") pull_errors_[pod.name] = pod.waiting_text;
    if (settled) return {};
    if (auto why = failure(workload, pod)) {
      tell(id, "Error", Outlook::error);
      return fail(Error(Code::io, "start service \"" + workload.service + "\"")
                      .on("pod " + pod.name)
                      .why(std::move(*why))
                      .at(project_.services.at(workload.service).mark));
    }
    return {};
  }

  // Why the pod will not reach the awaited state; nullopt as long as it may.
  std::optional<std::string> failure(const Workload& workload, const PodState& pod) {
    if (!pod.failed_before.empty() && (pod.phase == "Failed" || pod.waiting == "CrashLoopBackOff"))
      return with_output(
          pod, "its container \"" + pod.failed_before + "\" exited with code " + std::to_string(pod.failed_code),
          pod.failed_before);
    if (pod.phase == "Failed")
      return with_output(pod, "it exited with code " + std::to_string(pod.exit_code.value_or(1)));
    if (pod.waiting == "ImagePullBackOff") {
      const auto known = pull_errors_.find(pod.name);
      return known != pull_errors_.end() ? known->second : last_warning_or(pod);
    }
    const auto trouble = trouble_of(pod);
    if (pod.waiting == "CrashLoopBackOff")
      return with_output(pod, "it keeps exiting, with code " + std::to_string(pod.exit_code.value_or(1)));
    const bool may_change = pod.waiting == "ErrImagePull" || !pod.unschedulable.empty();
    if (trouble && !may_change) return *trouble;
    if (trouble && Clock::now() - last_change_ > limit_) return *trouble;
    if (is_unhealthy(workload, pod)) return with_output(pod, "it is unhealthy: " + last_warning_or(pod));
    return std::nullopt;
  }

  // At the latest when all checks may have hung; earlier if the cluster has counted enough failures.
  bool is_unhealthy(const Workload& workload, const PodState& pod) {
    const auto since = running_since_.find(pod.name);
    if (workload.unhealthy_after.count() == 0 || since == running_since_.end() || pod.ready) return false;
    const auto runs = Clock::now() - since->second;
    if (runs > std::max(workload.unhealthy_after, options_.limit)) return true;
    const auto& health = project_.services.at(workload.service).healthcheck;
    if (!health || runs <= options_.limit) return false;
    constexpr std::chrono::seconds usual_interval(30);
    const std::uint64_t retries = health->retries.value_or(3);
    const auto tries = static_cast<std::int64_t>(retries) + 1;  // the first one may come at once
    if (runs <= health->start_period.value_or(compose::Duration{}) + health->interval.value_or(usual_interval) * tries)
      return false;
    return failed_checks(session_, pod.name) >= std::max<std::uint64_t>(1, retries);
  }

  std::string last_warning_or(const PodState& pod) {
    std::string text = last_warning(session_, pod.name);
    return text.empty() ? pod.waiting_text : text;
  }
  std::string with_output(const PodState& pod, std::string text, const std::string& container = {}) {
    const std::string output = last_output(session_, pod.name, container);
    return output.empty() ? text : text + "; its last output: " + output;
  }

  // A quota or an admission controller may refuse pods; only an event reports that.
  Result<> ask_why_some_are_missing(const Workload& workload) {
    if (Clock::now() - last_change_ < pods_within) return {};
    // Pods may be created one after another, and none while its predecessor is ending.
    const bool going = std::ranges::any_of(watch_.pods(), [&](const auto& each) {
      return each.second.service == object_name(workload.service) && each.second.deleting;
    });
    if (going) return {};
    const std::string why = last_warning(session_, workload.name, "FailedCreate");
    // "try again" marks a problem that the cluster expects to pass: in a new namespace, its own objects are not there
    // at once.
    const bool passes = why.empty() || why.find("try again") != std::string::npos;
    if (passes && (!pods_of(workload).empty() || Clock::now() - last_change_ < limit_)) return {};
    return fail(Error(Code::io, "start service \"" + workload.service + "\"")
                    .why(why.empty() ? "the cluster creates no pods for it" : why)
                    .at(project_.services.at(workload.service).mark));
  }

  Result<> prune() {
    for (const auto& [key, seen] : seen_) {
      const bool wanted = std::ranges::any_of(
          manifests_.objects, [&](const Object& each) { return each.kind == key.first && each.name == key.second; });
      const bool ours = options_.remove_orphans || std::ranges::any_of(manifests_.workloads, [&](const Workload& each) {
                          return object_name(each.service) == seen.service;
                        });
      if (wanted || !ours || key.first == claim_kind) continue;
      if (session_.trial == Trial::no) TRY(session_.client.remove(seen.path));
      tell(key.first + " " + key.second, "Removed", Outlook::done);
    }
    return {};
  }

  Session& session_;
  const compose::Project& project_;
  const Manifests& manifests_;
  const UpOptions& options_;
  const std::chrono::seconds limit_;
  PodWatch watch_;
  bool there_ = true;    // the namespace exists
  bool waited_ = false;  // since seen_ was updated
  std::map<ObjectKey, Seen> seen_;
  std::set<std::string> applied_;
  std::set<std::string> former_;  // uids of the pods that we have removed; a watch still reports them for a while
  std::map<std::string, std::string> told_, pull_errors_;
  std::map<std::string, Clock::time_point> running_since_;
  Clock::time_point last_change_;
};

}  // namespace

Result<> bring_up(Session& session, const compose::Project& project, const Manifests& manifests,
                  const UpOptions& options) {
  session.progress.begin("Running");
  auto outcome = Up(session, project, manifests, options).run();
  session.progress.finish();
  return outcome;
}

}  // namespace consort::kube
