// Finds the Docker container that publishes a port, if a Docker daemon runs on the same machine: the port's holder is
// docker-proxy, whose name says nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace consort::project {

// The container's name, from the daemon behind the socket. nullopt: no daemon answers within two seconds, or it has no
// such container. protocol is "tcp" or "udp".
std::optional<std::string> docker_container_at(std::uint16_t port, const std::string& protocol,
                                               const std::string& socket = "/var/run/docker.sock");

}  // namespace consort::project
