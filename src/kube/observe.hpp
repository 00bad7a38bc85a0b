// Observes what runs on a cluster: resource usage, processes, events.
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
  double processors = 0;  // 1.0: one processor
  std::uint64_t memory = 0;
  std::uint64_t received = 0, sent = 0;  // network traffic in bytes; 0 if the cluster does not report it
};
// By pod name: from the metrics API, else from the nodes, which not every user may query. Pods without data are
// missing.
Result<std::map<std::string, Usage>> usage(Session& session, const std::vector<PodState>& pods);

struct Process {
  std::string user, pid, parent, start, time, command;
};
std::string_view script_of_processes();  // for a shell in the container; its output goes to parse_processes()
// What the script read from /proc, without the script's own process. Pure. now: when it ran.
std::vector<Process> parse_processes(std::string_view text, SystemTime now);
Result<std::vector<Process>> processes(Session& session, const PodState& pod);

struct ClusterEvent {
  SystemTime time{};
  std::string kind;    // "Pod"
  std::string name;    // the object's
  std::string id;      // the object's uid
  std::string reason;  // "Started"
  std::string message;
  bool warning = false;
};
// Events of the project's objects and of those that they created: existing ones in order of time, then new ones, until
// `on_event` returns Next::enough or `until` is reached (SystemTime::max(): without end; a past time: existing ones
// only).
Result<> events(Session& session, SystemTime until, const std::function<Next(const ClusterEvent&)>& on_event);

// Where a service's ports are published by a Service of their own (load-balancer or node-port); empty if they are not.
struct Published {
  std::uint16_t container = 0;
  std::string protocol;  // "tcp"
  std::string address;   // "": not assigned yet
  std::uint16_t port = 0;
};
Result<std::vector<Published>> published(Session& session, const std::string& service);

struct NodeImages {
  std::string platform;                        // "linux/amd64"
  std::map<std::string, std::uint64_t> sizes;  // by digest
};
// Empty if the user may not read nodes.
NodeImages node_images(Session& session, const std::string& node);

struct Claim {
  std::string name, storage_class, size, phase;
};
Result<std::vector<Claim>> claims(Session& session);

}  // namespace consort::kube
