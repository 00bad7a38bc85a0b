// The parts of a service's objects. Each source file in this directory makes the ones listed under its name below.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "kube/manifests.hpp"

namespace consort::kube {

// Properties of all services, determined once because every service's objects depend on them.
struct Facts {
  std::set<std::string> names;                         // of services, as they are there
  std::set<std::string> awaited_health;                // services that have a health check others wait for
  std::set<std::string> awaited_start;                 // services whose pods others wait for, healthy or not
  std::set<std::string> alike;                         // services whose name may stand for their ready pods alone
  std::set<std::string> ending;                        // services that end by themselves: Jobs
  std::set<std::string> absent;                        // other services, for which no pod is wanted
  std::map<std::string, std::set<std::string>> links;  // service: its names for other services
  bool separated = false;                              // networks separate services from each other or from outside
};
Facts facts_of(const compose::Project& project, const project::DesiredProject& desired);

// What the functions below work on. All references are borrowed for the duration of make_manifests().
struct Scope {
  const compose::Project& project;
  const project::DesiredProject& desired;
  const ManifestOptions& options;
  const Facts& facts;
  Manifests& out;
  std::vector<compose::Diagnostic>& refusals;
  std::set<std::pair<std::string, std::string>>& known;  // kind and name of each object so far
  std::map<std::string, std::string>& passwords;         // for registries that pods pull from

  // The position is an attribute of a service, given by its path below the service.
  void warn(const project::DesiredService& service, const compose::Strings& path, const std::string& message,
            const std::string& help) const;
  void warn_at(const Mark& mark, const std::string& message, const std::string& help) const;
  void refuse(const project::DesiredService& service, const compose::Strings& path, const std::string& message,
              const std::string& help) const;
  void add(const std::string& service, const Json& object) const;
};

// A pod under construction.
struct Pod {
  Json container = Json::object();
  Json spec = Json::object();  // without containers
  Json annotations = Json::object();
};

Json labels_of(const Scope& scope, const std::string& service);  // service "": the project's labels only
Json metadata(const Scope& scope, const std::string& name, const std::string& service);
// The service or job as the file defines it.
const compose::Service& file_of(const Scope& scope, const project::DesiredService& service);
// The first eight hex digits of the content's SHA-256.
std::string content_tag(std::string_view content);
// The name without invalid characters, truncated so that `more` characters can be appended.
std::string object_name(std::string_view text, std::size_t more);

// container.cpp: the process, its user and its limits.
void add_process(const Scope& scope, const project::DesiredService& service, Pod& pod);
void add_security(const Scope& scope, const project::DesiredService& service, Pod& pod);
void add_resources(const compose::Service& file, const project::DesiredService& service, Pod& pod);
void add_hooks(const Scope& scope, const project::DesiredService& service, Pod& pod);
// probes.cpp
void add_probes(const project::DesiredService& service, Pod& pod);
// Whether the file defines a health check.
bool is_checked(const project::DesiredService& service);
std::chrono::seconds unhealthy_after(const project::DesiredService& service);
// pod.cpp: settings of the pod as a whole.
void add_names(const Scope& scope, const project::DesiredService& service, Pod& pod);
// Adds labels of the file as annotations; warns about invalid keys, at `place` in the service.
void add_labels(const Scope& scope, const project::DesiredService& service, const compose::Strings& place,
                const compose::StringMap& labels, Json& annotations);
void add_placement(const Scope& scope, const compose::Service& file, const project::DesiredService& service, Pod& pod);
// environment.cpp, files.cpp
void add_environment(const Scope& scope, const project::DesiredService& service, Pod& pod);
Result<> add_files(const Scope& scope, const project::DesiredService& service, Pod& pod);
// storage.cpp
Result<> add_mounts(const Scope& scope, const project::DesiredService& service, Pod& pod);
void add_claims(const Scope& scope);
// binds.cpp: a file or directory of this machine as a ConfigMap; nothing if it was refused or is in the image.
Result<> add_bind(const Scope& scope, const project::DesiredService& service, const compose::Mount& mount,
                  std::size_t number, Pod& pod);
// service.cpp: the ports that its containers listen on, from `ports` and `expose`, without duplicates.
struct InnerPort {
  std::uint16_t first = 0, last = 0;
  std::string protocol;  // tcp, udp, sctp
  bool operator==(const InnerPort&) const = default;
};
std::vector<InnerPort> inner_ports(const project::DesiredService& service);
// Whether its name has a cluster IP; else it resolves to the pods.
bool has_address(const Scope& scope, const compose::Service& file);
// What stands for all of its pods where the name does not.
std::string pods_name(std::string_view service);
void add_services(const Scope& scope, const compose::Service& file, const project::DesiredService& service);
// published.cpp
void add_published(const Scope& scope, const compose::Service& file, const project::DesiredService& service);
// Checks the whole file: unknown settings, and services that conflict with each other.
void judge_published(const Scope& scope);
// networks.cpp
void add_network_labels(const Scope& scope, const project::DesiredService& service, Json& labels);
void add_policies(const Scope& scope);
// waits.cpp: makes pods wait for others when they return in a different order than `up` created them in. The facts are
// which services wait for which, and which of them have no stable name.
void add_dependency_facts(const compose::Project& project, const project::DesiredProject& desired, Facts& facts);
inline constexpr const char* wait_container = "wait-for-dependencies";
void add_waits(const Scope& scope, const project::DesiredService& service, Pod& pod);
// A name that resolves once a pod of the service is ready; "" if none is needed.
std::string ready_name(const Scope& scope, const std::string& service);
// before.cpp: call it after the pod's own mounts.
inline constexpr const char* before_container = "before-";  // followed by a number
Result<> add_before(const Scope& scope, const project::DesiredService& service, Pod& pod);
// pull.cpp: call the first after all containers, the second, for the Secret, after all pods.
Result<> add_pull_secret(const Scope& scope, Pod& pod);
void add_pull_config(const Scope& scope);
// rollout.cpp: call it after ports, hooks and probes.
void add_rollout(const Scope& scope, const project::DesiredService& service, Pod& pod);
// workload.cpp
bool runs_on_each_node(const compose::Service& file);
// In named volumes that it writes to.
bool keeps_data(const project::DesiredService& service);
// A job that the cluster starts; nothing there starts others.
bool is_scheduled(const compose::Service& job);
// awaited: other services wait for its end.
bool ends_by_itself(const compose::Service& file, bool awaited);
void add_workload(const Scope& scope, const compose::Service& file, const project::DesiredService& service, Pod pod);
void add_cron_job(const Scope& scope, const compose::Service& file, const project::DesiredService& job, Pod pod);

// Whether the text is a valid key of an annotation; and a valid key of a ConfigMap or Secret made from any text.
bool is_annotation_key(std::string_view key);
std::string object_key(std::string_view text);
// Escapes $(NAME), which Kubernetes expands in commands and values, so that the file's text stays unchanged.
std::string literal(std::string text);
// Adds a volume to the pod and mounts it.
void add_volume(Pod& pod, Json volume, Json mount);

}  // namespace consort::kube
