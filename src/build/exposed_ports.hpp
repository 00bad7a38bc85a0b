// Parses the ports of EXPOSE: "80", "80/tcp", "8000-8010/udp"; "127.0.0.1:80:8080" is accepted, but has no additional
// effect.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace consort::build {

struct ExposedPorts {
  std::vector<std::string> ports;  // "80/tcp" and so on
  bool has_capitals = false;       // in the protocol
  bool has_mapping = false;        // an IP address or a host port
};

// text: one word of the instruction. Code::invalid in Docker's words.
Result<ExposedPorts> parse_exposed_ports(const std::string& text);

}  // namespace consort::build
