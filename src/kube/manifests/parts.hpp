// The parts of a service's objects; each file beside this makes some of them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "kube/manifests.hpp"

namespace consort::kube {

// What is asked of every service about all others, answered once.
struct Facts {
  std::set<std::string> names;                         // of services, as they are there
  std::set<std::string> awaited_health;                // services that have a health check others wait for
  std::set<std::string> awaited_start;                 // services whose pods others wait for, healthy or not
  std::set<std::string> alike;                         // services whose name may stand for their ready pods alone
  std::set<std::string> ending;                        // services that end by themselves: Jobs
  std::set<std::string> absent;                        // other services of which no pod is wanted
  std::map<std::string, std::set<std::string>> links;  // service: the names that others have for it
  bool separated = false;                              // networks keep services apart, or from the outside
};
Facts facts_of(const compose::Project& project, const project::DesiredProject& desired);

struct Scope {
  const compose::Project& project;
  const project::DesiredProject& desired;
  const ManifestOptions& options;
  const Facts& facts;
  Manifests& out;
  std::vector<compose::Diagnostic>& refusals;
  std::set<std::pair<std::string, std::string>>& known;  // kind and name of each object
  std::map<std::string, std::string>& passwords;         // of registries that pods pull from

  // At an attribute of a service, by its path below it.
  void warn(const project::DesiredService& service, const compose::Strings& path, const std::string& message,
            const std::string& help) const;
  void warn_at(const Mark& mark, const std::string& message, const std::string& help) const;
  void refuse(const project::DesiredService& service, const compose::Strings& path, const std::string& message,
              const std::string& help) const;
  void add(const std::string& service, const Json& object) const;
};

// A pod that is being made.
struct Pod {
  Json container = Json::object();
  Json spec = Json::object();  // without containers
  Json annotations = Json::object();
};

Json labels_of(const Scope& scope, const std::string& service);  // service "": of the project alone
Json metadata(const Scope& scope, const std::string& name, const std::string& service);
// What the file says of it: it is a service or a job.
const compose::Service& file_of(const Scope& scope, const project::DesiredService& service);
// Eight digits of the content's SHA-256.
std::string content_tag(std::string_view content);
// The name without what cannot be there, cut so that `more` letters fit behind it.
std::string object_name(std::string_view text, std::size_t more);

// container.cpp: the process, its user, its limits.
void add_process(const Scope& scope, const project::DesiredService& service, Pod& pod);
void add_security(const Scope& scope, const project::DesiredService& service, Pod& pod);
void add_resources(const compose::Service& file, const project::DesiredService& service, Pod& pod);
void add_hooks(const Scope& scope, const project::DesiredService& service, Pod& pod);
// probes.cpp
void add_probes(const project::DesiredService& service, Pod& pod);
// Whether the file says how its health is checked.
bool is_checked(const project::DesiredService& service);
std::chrono::seconds unhealthy_after(const project::DesiredService& service);
// pod.cpp: what is said of the pod as a whole.
void add_names(const Scope& scope, const project::DesiredService& service, Pod& pod);
// Labels of the file as annotations; keys that cannot be there are warned of, at `place` in the service.
void add_labels(const Scope& scope, const project::DesiredService& service, const compose::Strings& place,
                const compose::StringMap& labels, Json& annotations);
void add_placement(const Scope& scope, const compose::Service& file, const project::DesiredService& service, Pod& pod);
// environment.cpp, files.cpp
void add_environment(const Scope& scope, const project::DesiredService& service, Pod& pod);
Result<> add_files(const Scope& scope, const project::DesiredService& service, Pod& pod);
// storage.cpp
Result<> add_mounts(const Scope& scope, const project::DesiredService& service, Pod& pod);
void add_claims(const Scope& scope);
// binds.cpp: a file or directory of this machine, as a ConfigMap; nothing if it was refused or the image has it.
Result<> add_bind(const Scope& scope, const project::DesiredService& service, const compose::Mount& mount,
                  std::size_t number, Pod& pod);
// service.cpp
// Where its containers listen, as `ports` and `expose` say it; each once.
struct InnerPort {
  std::uint16_t first = 0, last = 0;
  std::string protocol;  // tcp, udp, sctp
  bool operator==(const InnerPort&) const = default;
};
std::vector<InnerPort> inner_ports(const project::DesiredService& service);
// Whether its name stands for an address of its own; else it stands for the pods.
bool has_address(const Scope& scope, const compose::Service& file);
// What stands for all of its pods where the name does not.
std::string pods_name(std::string_view service);
void add_services(const Scope& scope, const compose::Service& file, const project::DesiredService& service);
// published.cpp
void add_published(const Scope& scope, const compose::Service& file, const project::DesiredService& service);
// What the whole file says of it: settings that there are not, and services that are in each other's way.
void judge_published(const Scope& scope);
// networks.cpp
void add_network_labels(const Scope& scope, const project::DesiredService& service, Json& labels);
void add_policies(const Scope& scope);
// waits.cpp: for the day on which pods come back in another order than `up` has made them.
// What services wait for of each other, and which of them have no name that stays.
void add_dependency_facts(const compose::Project& project, const project::DesiredProject& desired, Facts& facts);
inline constexpr const char* wait_container = "wait-for-dependencies";
void add_waits(const Scope& scope, const project::DesiredService& service, Pod& pod);
// A name that resolves once a pod of the service is ready; "" where none is needed.
std::string ready_name(const Scope& scope, const std::string& service);
// before.cpp: behind the pod's own mounts.
inline constexpr const char* before_container = "before-";  // and a number
Result<> add_before(const Scope& scope, const project::DesiredService& service, Pod& pod);
// pull.cpp: behind all containers; and the Secret, behind all pods.
Result<> add_pull_secret(const Scope& scope, Pod& pod);
void add_pull_config(const Scope& scope);
// rollout.cpp: behind its ports, hooks and probes.
void add_rollout(const Scope& scope, const project::DesiredService& service, Pod& pod);
// workload.cpp
bool runs_on_each_node(const compose::Service& file);
// In named volumes that it writes to.
bool keeps_data(const project::DesiredService& service);
// A job that the cluster starts; nothing there starts others.
bool is_scheduled(const compose::Service& job);
// awaited: others wait for its end.
bool ends_by_itself(const compose::Service& file, bool awaited);
void add_workload(const Scope& scope, const compose::Service& file, const project::DesiredService& service, Pod pod);
void add_cron_job(const Scope& scope, const compose::Service& file, const project::DesiredService& job, Pod pod);

// Whether an annotation may be called so; and a key of a ConfigMap or Secret for any text.
bool is_annotation_key(std::string_view key);
std::string object_key(std::string_view text);
// Kubernetes reads $(NAME) in commands and values; what came from the file is to stay as it is.
std::string literal(std::string text);
// A volume of the pod, and where it is mounted.
void add_volume(Pod& pod, Json volume, Json mount);

}  // namespace consort::kube
