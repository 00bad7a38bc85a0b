// Programs of the host's other firewalls (firewall-cmd, iptables-legacy). They run as root, so they are taken only from
// the host's own directories, never from the caller's PATH, with an environment of ours, and are killed at the time
// limit. run() blocks: an event loop uses a child process instead (foreign_opener.hpp).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/os/processes/process.hpp"

namespace consort {

struct HostPrograms {
  std::vector<std::string> directories{"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
  std::chrono::milliseconds patience = std::chrono::seconds(10);

  std::optional<std::string> find(const std::string& name) const;
  // argv[0] is a name to look up. Code::unsupported: no such program; Code::busy: it was killed because it did not end
  // in time.
  Result<Captured> run(std::vector<std::string> argv) const;
};

}  // namespace consort
