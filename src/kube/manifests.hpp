// Creates Kubernetes objects from a desired project. Pure, except that files of bind mounts and configs are read; the
// same project always gives the same texts in the same order.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compose/compose.hpp"
#include "project/desired/desired.hpp"

namespace consort::kube {

namespace label {
inline constexpr const char* managed_by = "app.kubernetes.io/managed-by";  // "consort"
inline constexpr const char* project = "app.kubernetes.io/part-of";
inline constexpr const char* service = "app.kubernetes.io/name";
inline constexpr const char* config = "consort.dev/config";  // of pods: digest of their template
inline constexpr const char* one_off = "consort.dev/run";    // of pods: the service for which `run` created them
inline constexpr const char* passing = "consort.dev/rm";     // of those pods: removed once they have ended
}  // namespace label
namespace annotation {
inline constexpr const char* service = "consort.dev/service";    // its name in the file, if that is not a DNS name
inline constexpr const char* replicas = "consort.dev/replicas";  // as in the file; restored by `start`
inline constexpr const char* project = "consort.dev/project";    // likewise
inline constexpr const char* applied = "consort.dev/applied";    // digest of the whole object, as applied by `up`
}  // namespace annotation

struct Object {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string service;  // "": belongs to the whole project
  std::string json;     // the whole object, compact
};

// The state that a workload must reach before `up` continues.
struct Workload {
  std::string kind;
  std::string name;
  std::string service;
  std::string config;     // value of label::config of its pods
  unsigned replicas = 1;  // 0 for a DaemonSet: one per node
  bool ends = false;      // a Job
  // How long a container may run without being ready until Compose would call it unhealthy; 0: no health check.
  std::chrono::seconds unhealthy_after{0};
};

// How a pod delays its stop: with a sleep action (Kubernetes 1.30 and later) or a program of its image.
enum class Parting : std::uint8_t { action, command };

// "user:password" for a registry that nodes must log in to; "" if they need not.
using PasswordOf = std::function<Result<std::string>(const std::string& registry)>;

struct ManifestOptions {
  std::map<std::string, std::string> images;  // the pushed images by service, instead of the file's
  std::string registry;                       // prefix of the names of built images; "": none
  std::string cron_job_version = "batch/v1";
  Parting parting = Parting::action;
  PasswordOf password_of;  // unset: no credentials
  std::string wait_image;  // image of the containers that wait for a pod's dependencies; "": none wait
};

struct Manifests {
  std::vector<Object> objects;  // the project's first, then by service, dependencies first
  std::vector<Workload> workloads;
  std::vector<compose::Diagnostic> notes;  // warnings: attributes that were left out
};

// Code::invalid and Code::unsupported for attributes that the cluster cannot have; `refusals` then lists all of them,
// and there are no manifests.
Result<Manifests> make_manifests(const compose::Project& project, const project::DesiredProject& desired,
                                 const ManifestOptions& options, std::vector<compose::Diagnostic>& refusals);

// Name of the Secret with the registry credentials for nodes, and its content by registry.
std::string pull_secret(const std::string& project);
std::map<std::string, std::string> passwords_of(std::string_view secret_json);

// Whether the mount is the source tree of the service's image, mounted over it for development.
bool is_in_image(const compose::Service& service, const compose::Mount& mount);

// A name that the API accepts (RFC 1123): "my_App" becomes "my-app".
std::string object_name(std::string_view text);
// Name of the Service that is reachable from outside the cluster.
std::string published_name(std::string_view service);
// Whether the name is a valid name of a Service (RFC 1035) without changes.
bool is_service_name(std::string_view text);

// One YAML stream, each object after "---".
Result<std::string> manifests_yaml(const std::vector<Object>& objects);

}  // namespace consort::kube
