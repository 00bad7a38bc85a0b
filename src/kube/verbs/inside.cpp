// ps, logs and ls: show pods and their logs.
#include <algorithm>
#include <thread>

#include "base/json.hpp"
#include "kube/kinds.hpp"
#include "kube/verbs.hpp"

namespace consort::kube {

namespace {

// Follows logs, with one thread for each; all are stopped and joined at the end.
class Followers {
 public:
  Followers(Session& session, const LogOptions& options, project::LogSink& sink)
      : session_(session), options_(options), sink_(sink) {}

  // Called once for each start of the container.
  void add(const PodState& pod) {
    if (!pod.started()) return;
    if (!known_.insert(pod.uid + "/" + std::to_string(pod.restarts)).second) return;
    sink_.join(pod.name);
    const std::string path = log_path(pod);
    threads_.emplace_back([this, path, name = pod.name](const std::stop_token& stop) {
      // Errors are ignored: the state of the pod, which is followed separately, shows why a log ends.
      (void)session_.client.lines(
          path, [&](std::string_view line) { return give(name, line); }, stop);
    });
  }

  Next give(const std::string& name, std::string_view line) {
    engine::LogLine made;
    // Timestamps are always requested, even if they are not shown.
    const std::size_t space = line.find(' ');
    if (const auto time = parse_rfc3339(line.substr(0, space))) {
      made.time = *time;
      line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
    }
    made.text = line;
    sink_.line(name, made);
    return Next::more;
  }

  std::string log_path(const PodState& pod) const {
    Query query{{"container", pod.container}, {"timestamps", "true"}};
    if (options_.follow) query.emplace_back("follow", "true");
    if (options_.tail) query.emplace_back("tailLines", std::to_string(*options_.tail));
    if (!options_.since.empty()) query.emplace_back("sinceTime", options_.since);
    return with_query(path_of("v1", "Pod", session_.space, pod.name) + "/log", query);
  }

 private:
  Session& session_;
  const LogOptions& options_;
  project::LogSink& sink_;
  std::set<std::string> known_;
  std::vector<std::jthread> threads_;
};

bool is_of(const PodState& pod, const std::vector<std::string>& services) {
  return services.empty() ||
         std::ranges::any_of(services, [&](const std::string& each) { return object_name(each) == pod.service; });
}

}  // namespace

Result<std::vector<PodState>> pods_of(Session& session, const std::vector<std::string>& services) {
  PodWatch watch(session.client, session.space, project_selector(session.project_name));
  TRY(watch.list());
  std::vector<PodState> pods;
  for (const auto& [name, pod] : watch.pods())
    if (is_of(pod, services)) pods.push_back(pod);
  for (const std::string& service : services)
    if (std::ranges::find(pods, object_name(service), &PodState::service) == pods.end())
      return fail(Code::not_found, "no such service: " + service);
  return pods;
}

Result<PodState> one_pod(Session& session, const std::string& service, std::optional<unsigned> index) {
  std::vector<PodState> pods = TRY(pods_of(session, {service}));
  std::erase_if(pods, [](const PodState& pod) { return !pod.running() || pod.deleting; });
  const std::size_t wanted = index.value_or(1);
  if (wanted < 1 || wanted > pods.size())
    return fail(Code::not_found,
                "service \"" + service + "\" is not running" + (index ? " container #" + std::to_string(*index) : ""));
  return std::move(pods[wanted - 1]);
}

Result<> show_logs(Session& session, const std::vector<std::string>& services, const LogOptions& options,
                   project::LogSink& sink) {
  Followers followers(session, options, sink);
  if (!options.follow) {
    const std::vector<PodState> pods = TRY(pods_of(session, services));
    for (const PodState& pod : pods) sink.join(pod.name);
    for (const PodState& pod : pods)
      if (pod.started())
        TRY(session.client.lines(followers.log_path(pod),
                                 [&](std::string_view line) { return followers.give(pod.name, line); }));
    return {};
  }
  PodWatch watch(session.client, session.space, project_selector(session.project_name));
  return watch.follow(
      [&]() -> Result<Next> {
        for (const auto& [name, pod] : watch.pods())
          if (is_of(pod, services)) followers.add(pod);
        return Next::more;
      },
      session.cancel.token());
}

Result<std::vector<Listed>> list_projects(Client& client) {
  const std::string body =
      TRY(client.get(with_query("/api/v1/pods", {{"labelSelector", std::string(label::managed_by) + "=consort"}})));
  const Json list = TRY(parse_json(body, "list of pods"));
  std::vector<Listed> projects;
  const Json* items = find_key(list, "items");
  if (!items || !items->is_array()) return projects;
  for (const Json& each : *items) {
    const Json* meta = find_key(each, "metadata");
    const Json* labels = meta ? find_key(*meta, "labels") : nullptr;
    if (!labels) continue;
    const std::string space = get_string(*meta, "namespace"), name = get_string(*labels, label::project);
    auto found =
        std::ranges::find_if(projects, [&](const Listed& known) { return known.space == space && known.name == name; });
    if (found == projects.end()) found = projects.insert(found, Listed{space, name, {}});
    const PodState pod = TRY(pod_state(dump_json(each)));
    ++found->states[pod.running() ? "running" : pod.ended() ? "exited" : "created"];
  }
  std::ranges::sort(projects, {}, [](const Listed& listed) { return std::pair(listed.name, listed.space); });
  return projects;
}

}  // namespace consort::kube
