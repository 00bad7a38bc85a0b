// Observes a running container from outside: how processes handle signals, and which ports they listen on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::runtime {

enum class SignalDisposition : std::uint8_t {
  handles,  // a handler is installed
  blocks,   // blocked, perhaps for a signalfd or sigwait
  ignores,
  by_default,  // ends most processes, but is discarded for the first one of a pid namespace
};
// From SigCgt, SigIgn and SigBlk in /proc/PID/status. Code::not_found if the process is gone.
Result<SignalDisposition> signal_disposition(pid_t pid, int signal);
// Whether the signal has an effect on the first process of a pid namespace.
constexpr bool first_process_hears(SignalDisposition disposition) {
  return disposition == SignalDisposition::handles || disposition == SignalDisposition::blocks;
}

Result<pid_t> parent_of(pid_t pid);

// Shows whether a process is active: if it sleeps and its count of switches has not changed, it has not run since.
struct Activity {
  bool asleep = false;         // waits for something (state S); false for a zombie
  std::uint64_t switches = 0;  // how often it has gone to sleep
  bool operator==(const Activity&) const = default;
};
Result<Activity> activity_of(pid_t pid);

enum class ListenScope : std::uint8_t { loopback, reachable };
struct ListeningPort {
  std::uint16_t port = 0;
  ListenScope scope = ListenScope::loopback;  // reachable: bound to an address that other hosts can reach
};
// TCP sockets in state LISTEN in the network namespace of pid (/proc/PID/net/tcp, tcp6), sorted, each port once with
// its widest scope.
Result<std::vector<ListeningPort>> listening_tcp_ports(pid_t pid);
// Parses such a table, for both address lengths.
std::vector<ListeningPort> parse_listening(std::string_view table);

// Whether it is a child of ours in the container that has not executed its program yet; other code ignores it.
bool is_being_set_up(pid_t pid);

}  // namespace consort::runtime
