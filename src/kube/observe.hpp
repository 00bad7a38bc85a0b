// Looking at what runs on a cluster: what it uses, which processes there are, what has happened.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kube/pods.hpp"
#include "kube/session.hpp"

namespace consort::kube {

struct Usage {
  double processors = 0;  // 1.0: one is busy
  std::uint64_t memory = 0;
  std::uint64_t received = 0, sent = 0;  // bytes of the network; 0 where the cluster does not tell
};
// By pod: of the metrics API, else of the nodes themselves, which not everybody may ask. What nobody knows is not
// there.
Result<std::map<std::string, Usage>> usage(Session& session, const std::vector<PodState>& pods);

struct Process {
  std::string user, pid, parent, start, time, command;
};
std::string_view script_of_processes();  // for a shell in the container; parse_processes() reads what it prints
// What that script has read of /proc, without the script itself. Pure. now: when it ran.
std::vector<Process> parse_processes(std::string_view text, SystemTime now);
Result<std::vector<Process>> processes(Session& session, const PodState& pod);

struct ClusterEvent {
  SystemTime time{};
  std::string kind;    // "Pod"
  std::string name;    // of the object
  std::string id;      // its uid
  std::string reason;  // "Started"
  std::string message;
  bool warning = false;
};
// Of the project's objects, and of what they have made: those there are, in the order of time, then as they come, until
// `on_event` has enough or it is `until` (SystemTime::max(): forever; what has passed: only those there are).
Result<> events(Session& session, SystemTime until, const std::function<Next(const ClusterEvent&)>& on_event);

// Where a service's ports are published by a Service of its own (load-balancer or node-port); empty if they are not.
struct Published {
  std::uint16_t container = 0;
  std::string protocol;  // "tcp"
  std::string address;   // "": none has been assigned yet
  std::uint16_t port = 0;
};
Result<std::vector<Published>> published(Session& session, const std::string& service);

struct NodeImages {
  std::string platform;                        // "linux/amd64"
  std::map<std::string, std::uint64_t> sizes;  // by digest
};
// Empty if we may not look at nodes.
NodeImages node_images(Session& session, const std::string& node);

struct Claim {
  std::string name, storage_class, size, phase;
};
Result<std::vector<Claim>> claims(Session& session);

}  // namespace consort::kube
