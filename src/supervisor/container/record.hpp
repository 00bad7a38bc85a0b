// The supervisor's record of a container, so that a successor can continue: the observed state, which any process may
// read, and next to it what only a supervisor needs. One file in the run directory, replaced atomically.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/state.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

struct StopRecord {
  int signal = 15;
  std::int64_t deadline_ms = -1;  // CLOCK_MONOTONIC; -1: no deadline
};

// What follows the end of a container that is being stopped.
enum class AfterStop : std::uint8_t { nothing, start, restart };

struct ExecRecord {
  std::uint64_t exec = 0;
  pid_t pid = 0;
  std::uint64_t pid_started = 0;
};

// A network that its namespace is connected to, and the interface.
struct Attached {
  std::string network_id;
  std::string ifname;
  bool operator==(const Attached&) const = default;
};

struct Record {
  ObservedContainer state;
  std::string unit_path;
  bool launching = false;          // from before the clone until execve; without a pid at first
  std::optional<StopRecord> stop;  // a stop was requested
  AfterStop after_stop = AfterStop::nothing;
  std::int64_t restart_at_ms = -1;  // CLOCK_MONOTONIC; while `restarting`
  Milliseconds restart_delay{0};    // the last one used
  std::uint64_t oom_kills = 0;      // the cgroup's count at the start of the run
  std::vector<std::string> host_links;
  // While it runs. unit.json may be newer, after a change whose requester did not see its end.
  std::optional<std::vector<Attached>> attached;
  // Ports that may be in the firewall: recorded before they are added, until after they are removed. While the
  // container runs, these are the state's ports plus the lost ones.
  std::vector<BoundPort> told_ports;
  std::vector<ExecRecord> execs;
};

std::string record_to_json(const Record& record);
Result<Record> record_from_json(std::string_view text, const std::string& source);

}  // namespace consort::supervisor
