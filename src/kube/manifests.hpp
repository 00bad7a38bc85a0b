// From what is wanted of a project to objects of Kubernetes. Pure but for the files of bind mounts and configs, which
// are read; the same project always gives the same texts in the same order.
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
inline constexpr const char* config = "consort.dev/config";  // of pods: what their template says, as a digest
inline constexpr const char* one_off = "consort.dev/run";    // of pods: the service that `run` has made them for
inline constexpr const char* passing = "consort.dev/rm";     // of those: to be removed once they have ended
}  // namespace label
namespace annotation {
inline constexpr const char* service = "consort.dev/service";    // its name in the file, where that is no name in DNS
inline constexpr const char* replicas = "consort.dev/replicas";  // as the file has it: what `start` goes back to
inline constexpr const char* project = "consort.dev/project";    // likewise
inline constexpr const char* applied = "consort.dev/applied";    // a digest of the whole, as `up` has applied it
}  // namespace annotation

struct Object {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string service;  // that it is of; "": of the project
  std::string json;     // the whole, compact
};

// What a workload must come to, for who waits for it.
struct Workload {
  std::string kind;
  std::string name;
  std::string service;
  std::string config;     // the value of label::config that its pods will have
  unsigned replicas = 1;  // 0 for a DaemonSet: as many as there are nodes
  bool ends = false;      // a Job
  // How long a container may run without being ready until Compose would call it unhealthy; 0: it has no health check.
  std::chrono::seconds unhealthy_after{0};
};

// How a pod waits before it ends: by itself (Kubernetes 1.30 and later), or by a program of its image.
enum class Parting : std::uint8_t { action, command };

// "user:password" for a registry that nodes must log in to; "": they need not.
using PasswordOf = std::function<Result<std::string>(const std::string& registry)>;

struct ManifestOptions {
  std::map<std::string, std::string> images;  // of services, instead of the file's: what was pushed
  std::string registry;                       // before the names of images that are built; "": none
  std::string cron_job_version = "batch/v1";
  Parting parting = Parting::action;
  PasswordOf password_of;  // unset: nobody is asked
  std::string wait_image;  // of the containers that wait for what a pod depends on; "": nothing waits
};

struct Manifests {
  std::vector<Object> objects;  // of the project first, then service by service, dependencies first
  std::vector<Workload> workloads;
  std::vector<compose::Diagnostic> notes;  // warnings: what was left out
};

// Code::invalid and Code::unsupported for what the cluster cannot have; all that is refused is in `refusals`, and then
// there are no manifests.
Result<Manifests> make_manifests(const compose::Project& project, const project::DesiredProject& desired,
                                 const ManifestOptions& options, std::vector<compose::Diagnostic>& refusals);

// The Secret with what nodes log in with, and what is in it, by registry.
std::string pull_secret(const std::string& project);
std::map<std::string, std::string> passwords_of(std::string_view secret_json);

// Whether the mount is of the tree that the service's image is made from, mounted over it for development.
bool is_in_image(const compose::Service& service, const compose::Mount& mount);

// A name as the API takes it (RFC 1123): "my_App" is "my-app".
std::string object_name(std::string_view text);
// Of the Service that is open to the outside.
std::string published_name(std::string_view service);
// Whether the name can be looked up there as it is (RFC 1035, as Services want it).
bool is_service_name(std::string_view text);

// One YAML stream, each object behind "---".
Result<std::string> manifests_yaml(const std::vector<Object>& objects);

}  // namespace consort::kube
