// Programs of the host's other firewalls (firewall-cmd, iptables-legacy). They are run as root, so only from the host's
// own directories and with an environment of ours, never by the PATH of whoever has called us; and none may keep us
// waiting for longer than our patience. Who calls run() waits: an event loop has a child do it (foreign_opener.hpp).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/os/processes/process.hpp"

namespace consort {

struct HostPrograms {
  std::vector<std::string> folders{"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
  std::chrono::milliseconds patience = std::chrono::seconds(10);

  std::optional<std::string> find(const std::string& name) const;
  // argv[0] is a name to be found. Code::unsupported: there is none of that name; Code::busy: it was killed because it
  // did not end in time.
  Result<Captured> run(std::vector<std::string> argv) const;
};

}  // namespace consort
