// The observed state of a container, in terms that the engine and everything above it also use. Written by the
// supervisor, read by everything else. The same JSON is sent over the control socket, is in
// run/projects/PROJECT/containers/ID.json (until the machine reboots) and, after each start and end, in
// data/containers/ID/state.json (the last state known for certain).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

namespace consort::supervisor {

// As in Docker. No supervisor writes `removing` and `dead`, which exist for other reporters of a container's state.
enum class Status : std::uint8_t { created, running, paused, restarting, removing, exited, dead };
enum class HealthStatus : std::uint8_t { none, starting, healthy, unhealthy };

struct HealthResult {
  SystemTime start{};
  SystemTime end{};
  int exit_code = 0;   // -1: timed out or could not be started
  std::string output;  // stdout and stderr, truncated at 4096 bytes
};

struct HealthState {
  HealthStatus status = HealthStatus::none;
  unsigned failing_streak = 0;
  std::deque<HealthResult> log;  // last 5, oldest first
};

struct BoundPort {
  std::string host_ip;  // "0.0.0.0", "::", "127.0.0.1"
  std::uint16_t host_port = 0;
  std::uint16_t container_port = 0;
  std::string protocol = "tcp";
  bool operator==(const BoundPort&) const = default;
};

// A port of a running container that was published before its supervisor was replaced and is not now, because another
// program has it. It is retried.
struct LostPort {
  BoundPort port;
  std::string why;  // "address already in use by process 4711 (nc)"
  bool operator==(const LostPort&) const = default;
};

// Why a log cannot be written. Both are empty if it can.
struct LogTrouble {
  std::string why;               // "no space left on device"
  std::uint64_t lost_bytes = 0;  // dropped since the log was complete
  bool any() const { return !why.empty(); }
  bool operator==(const LogTrouble&) const = default;
};

struct EndpointAddress {
  std::string network_id;
  std::string network_name;
  std::string ipv4;  // without prefix length
  std::string ipv6;
  std::string gateway4;
  std::string gateway6;
  std::string mac;
};

struct ContainerState {
  Status status = Status::created;
  pid_t pid = 0;                  // 0 unless running, paused
  std::uint64_t pid_started = 0;  // process_start_time(): identifies the process together with the pid
  std::optional<int> exit_code;   // none: still running, never ran, or its end was not observed
  bool oom_killed = false;
  bool stopping = false;  // it is running, but being stopped: a start waits for that and starts it again
  std::string error;      // why the last start failed; the status stays `created` (or `exited`)
  std::optional<SystemTime> started_at;
  std::optional<SystemTime> finished_at;
  unsigned restart_count = 0;
  HealthState health;
  std::vector<BoundPort> ports;      // as bound on the host at present
  std::vector<LostPort> lost_ports;  // not among `ports`
  LogTrouble log;

  bool has_process() const { return status == Status::running || status == Status::paused; }
  // As in Docker: also while waiting for its restart policy.
  bool running() const { return has_process() || status == Status::restarting; }
  // Whether it needs no start. A paused one does not work, and a start explains what it needs instead; one that is
  // being stopped will not continue, and a start waits for its end.
  bool started() const { return running() && status != Status::paused && !stopping; }
  // Will not run again unless it is started.
  bool ended() const { return status == Status::exited || status == Status::dead; }
};

// The state with its container's identity and facts that only a supervisor knows.
struct ObservedContainer : ContainerState {
  std::string id;
  std::string name;
  std::string project;
  std::string service;
  unsigned number = 1;
  bool oneoff = false;
  bool manually_stopped = false;  // by stop or kill: no restart policy applies, nor unless-stopped at boot
  std::vector<EndpointAddress> addresses;
  std::string cgroup;  // relative to the cgroup root
  bool auto_remove = false;
};

std::string_view to_string(Status status);
std::string_view to_string(HealthStatus status);
std::optional<Status> status_from(std::string_view text);
std::optional<HealthStatus> health_status_from(std::string_view text);

std::string state_to_json(const ObservedContainer& state);
Result<ObservedContainer> state_from_json(std::string_view text, const std::string& source);

}  // namespace consort::supervisor
