// Makes Kubernetes objects from a desired project. Pure, except that files of bind mounts and configs are read; the
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
inline constexpr const char* passing = "consort.dev/rm";     // of those: to be removed once they have ended
}  // namespace label
namespace annotation {
inline constexpr const char* service = "consort.dev/service";    // its name in the file, if that is no DNS name
inline constexpr const char* replicas = "consort.dev/replicas";  // as in the file; restored by `start`
inline constexpr const char* project = "consort.dev/project";    // likewise
inline constexpr const char* applied = "consort.dev/applied";    // digest of the whole object, as applied by `up`
}  // namespace annotation

struct Object {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string service;  // "": the project's
  std::string json;     // the whole object, compact
};

// The state that a workload must reach, for `up` to wait for.
struct Workload {
  std::string kind;
  std::string name;
  std::string service;
  std::string config;     // value of label::config of its pods
  unsigned replicas = 1;  // 0 for a DaemonSet: one per node
  bool ends = false;      // a Job
  // How long a container may run without being ready until Compose would call it unhealthy; 0: it has no health check.
  std::chrono::seconds unhealthy_after{0};
};

// How a pod waits before it stops: by a sleep action (Kubernetes 1.30 and later), or by a program of its image.
enum class Parting : std::uint8_t { action, command };

// "user:password" for a registry that nodes must log in to; "" if they need not.
using PasswordOf = std::function<Result<std::string>(const std::string& registry)>;

struct ManifestOptions {
  std::map<std::string, std::string> images;  // by service, instead of the file's: the pushed images
  std::string registry;                       // prefix of the names of built images; "": none
  std::string cron_job_version = "batch/v1";
  Parting parting = Parting::action;
  PasswordOf password_of;  // unset: no credentials
  std::string wait_image;  // image of the containers that wait for a pod's dependencies; "": nothing waits
};

struct Manifests {
  std::vector<Object> objects;  // of the project first, then service by service, dependencies first
  std::vector<Workload> workloads;
  std::vector<compose::Diagnostic> notes;  // warnings: attributes that were left out
};

// Code::invalid and Code::unsupported for attributes that the cluster can't have; `refusals` lists all of them, and
// then there are no manifests.
Result<Manifests> make_manifests(const compose::Project& project, const project::DesiredProject& desired,
                                 const ManifestOptions& options, std::vector<compose::Diagnostic>& refusals);

// The Secret with the credentials for nodes, and its content by registry.
std::string pull_secret(const std::string& project);
std::map<std::string, std::string> passwords_of(std::string_view secret_json);

// Whether the mount is the source tree of the service's image, mounted over it for development.
bool is_in_image(const compose::Service& service, const compose::Mount& mount);

// A name that the API accepts (RFC 1123): "my_App" becomes "my-app".
std::string object_name(std::string_view text);
// Name of the Service that is reachable from outside.
std::string published_name(std::string_view service);
// Whether the name is valid for a Service as it is (RFC 1035).
bool is_service_name(std::string_view text);

// One YAML stream, each object after "---".
Result<std::string> manifests_yaml(const std::vector<Object>& objects);

}  // namespace consort::kube
