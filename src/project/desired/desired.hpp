// The desired project: the content of the file, with references resolved and each fact stated once. It is independent
// of existing objects, of the names of replicas, and of the engine's types. plan/ makes the engine's specifications and
// operations from it; exports (kube/, units/) start from it, too.
//
// Values only; the functions are pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "compose/model.hpp"

namespace consort::project {

struct DesiredImage {
  std::string name;         // a reference; PROJECT-SERVICE for one that is only built
  std::string platform;     // "": this machine's
  std::string pull_policy;  // as in the file; "": if it is missing
  bool built = false;       // the service has a build section
};

struct DesiredPort {
  std::string host_ip;           // "": all addresses
  std::uint16_t host_first = 0;  // 0: any free port
  std::uint16_t host_last = 0;   // use the first free port up to this one; 0: just host_first
  std::uint16_t container = 0;
  std::string protocol;  // tcp, udp, sctp
};

enum class RestartWhen : std::uint8_t { never, on_failure, always, unless_stopped };
struct DesiredRestart {
  RestartWhen when = RestartWhen::never;
  unsigned most_times = 0;  // with on_failure; 0: without limit
};

struct DesiredNetwork {
  std::string key;   // in the file
  std::string name;  // the real name
  compose::NetworkAttachment how;
};

struct DesiredMount {
  compose::Mount how;         // for a volume of the file, `source` is its key
  std::string volume_name;    // the real one
  std::string volume_driver;  // "": local
};

// A secret or config as a file in the container.
struct DesiredFile {
  enum class Kind : std::uint8_t { secret, config };
  Kind kind = Kind::secret;
  std::string key;        // in the file
  std::string path;       // absolute, in the container
  std::string host_file;  // mounted as it is; "": `content` is used
  std::string content;    // written to a file; not used if external
  bool external = false;  // stored elsewhere, as `name`
  std::string name;
  std::uint32_t mode = 0444;
  std::uint32_t uid = 0, gid = 0;
  Mark mark;  // of its definition
};

struct DesiredLimits {
  double cpus = 0;          // in all fields, 0 means no limit
  std::int64_t memory = 0;  // bytes
  std::int64_t memory_reservation = 0;
  std::int64_t pids = 0;  // negative: explicitly no limit
};

struct DesiredService {
  std::string name;
  Mark mark;                   // the service's name in the user's file
  unsigned replicas = 1;       // 0: none
  std::string container_name;  // of the only replica; "": the planner's choice
  DesiredImage image;
  std::map<std::string, compose::Dependency> dependencies;  // with their conditions
  // In the order of attachment; empty with `network_mode`, which is then in `container`.
  std::vector<DesiredNetwork> networks;
  std::vector<DesiredPort> ports;
  std::vector<DesiredMount> mounts;
  std::vector<DesiredFile> files;
  DesiredRestart restart;
  std::optional<compose::HealthCheck> health;  // none: use the image's
  DesiredLimits limits;
  std::vector<compose::DeviceRequest> devices;  // GPUs and the like, from any attribute
  std::vector<compose::PreStartHook> pre_start;
  std::vector<compose::Hook> post_start, pre_stop;
  std::string config_hash;  // changes with everything that requires a new container
  // Everything else, for which the file has only one notation: the process, its privileges, names and labels. The
  // attributes covered by the fields above are empty here.
  compose::Service container;
};

struct DesiredProject {
  std::string name;
  std::vector<DesiredService> services;              // dependencies first
  std::map<std::string, compose::Network> networks;  // by key; `name` is the real one
  std::map<std::string, compose::Volume> volumes;
};

struct DesiredOptions {
  std::map<std::string, unsigned> scale;  // overrides the file's replicas
  bool shared_names = false;              // container_name applies to all replicas, as on a cluster
};

// Code::invalid, with the position in the file, for unusable values: an unknown restart policy, a port that is not a
// number, a secret from an unset variable, more replicas than a container_name allows.
Result<DesiredProject> desired_state(const compose::Project& project, const DesiredOptions& options = {});
// Converts one service, which need not be in the project.
Result<DesiredService> desired_service(const compose::Project& project, const compose::Service& service);
Result<unsigned> desired_replicas(const compose::Service& service, const DesiredOptions& options);

// Whether any service waits until this one meets the condition.
bool is_awaited(const DesiredProject& project, const std::string& service, compose::DependencyCondition condition);

// For people and tests, one fact per line, without the content of secrets.
std::string to_string(const DesiredProject& project);

}  // namespace consort::project
