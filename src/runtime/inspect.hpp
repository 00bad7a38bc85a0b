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
  handles,  // a handler is installed
  blocks,   // blocked, perhaps for a signalfd, or just now waited for with sigwait
  ignores,
  by_default,  // ends most processes; but the kernel discards it for the first one of a pid namespace
};
// From SigCgt, SigIgn, SigBlk of /proc/PID/status. Code::not_found when the process is gone.
Result<SignalDisposition> signal_disposition(pid_t pid, int signal);
// Whether the first process of a pid namespace is reached by the signal.
constexpr bool first_process_hears(SignalDisposition disposition) {
  return disposition == SignalDisposition::handles || disposition == SignalDisposition::blocks;
}

Result<pid_t> parent_of(pid_t pid);

// Whether a process does anything: one that is asleep with the same count of switches as before has not run since.
struct Activity {
  bool asleep = false;         // waits for something (state S); false also for a zombie
  std::uint64_t switches = 0;  // how often it has gone to sleep
  bool operator==(const Activity&) const = default;
};
Result<Activity> activity_of(pid_t pid);

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

// A child of ours in the container that is not yet the program it will be: nobody's business.
bool is_being_set_up(pid_t pid);

}  // namespace consort::runtime
