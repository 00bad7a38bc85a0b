// Which of Docker's containers publishes a port, where a Docker daemon runs on the same machine: its docker-proxy has
// the port, and nobody knows that process by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace consort::project {

// The container's name, asked of the daemon behind the socket. nullopt: there is none that answers within two seconds,
// or it has no such container. protocol is "tcp" or "udp".
std::optional<std::string> docker_container_at(std::uint16_t port, const std::string& protocol,
                                               const std::string& socket = "/var/run/docker.sock");

}  // namespace consort::project
