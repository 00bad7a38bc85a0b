// What can be seen of a running container from outside: who hears a signal, who listens.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::runtime {

enum class SignalDisposition : std::uint8_t {
  handles,      // a handler is installed
  blocks,       // blocked: perhaps waited for with sigwait or a signalfd
  cannot_hear,  // ignored, or default, which the kernel discards for the first process of a pid namespace
};
// From SigCgt, SigBlk of /proc/PID/status. Code::not_found when the process is gone.
Result<SignalDisposition> signal_disposition(pid_t pid, int signal);

enum class ListenScope : std::uint8_t { loopback, reachable };
struct ListeningPort {
  std::uint16_t port = 0;
  ListenScope scope = ListenScope::loopback;  // reachable: bound to an address that other hosts can use
};
// TCP sockets in state LISTEN in the network namespace of pid (/proc/PID/net/tcp, tcp6), sorted, each port once
// with its widest scope.
Result<std::vector<ListeningPort>> listening_tcp_ports(pid_t pid);
// The parser of such a table, for both address lengths.
std::vector<ListeningPort> parse_listening(std::string_view table);

// Processes of a container as `top` shows them, the first one first.
struct ContainerProcess {
  pid_t pid = 0;
  pid_t parent = 0;
  std::string command;  // command line, or [name]
};
Result<std::vector<ContainerProcess>> container_processes(const std::string& cgroup_path);

}  // namespace consort::runtime
