// Services that use Docker's API: through `use_api_socket`, or a bind mount of Docker's socket. They get Consort's API,
// restricted to their own project unless `x-consort: {api_socket: full}` is set for the service or the file
// (docs/decisions/0144).
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "compose/model.hpp"

namespace consort::compose {

inline constexpr const char* docker_socket = "/var/run/docker.sock";

// Whether a host path is one where programs look for Docker's socket.
bool is_docker_socket(std::string_view path);

enum class ApiSocket : std::uint8_t {
  none,     // no socket requested
  project,  // sees and changes only its own project
  full,     // the socket at Docker's path if there is one, otherwise that of `consort serve`
};
// Code::invalid, with its position, for a value other than "project" and "full".
Result<ApiSocket> api_socket_of(const Project& project, const Service& service);

}  // namespace consort::compose
