// Services that speak to Docker: by `use_api_socket`, or a bind of Docker's own socket. What they are given is the API
// of Consort, for their project alone unless `x-consort: {api_socket: full}` says otherwise, of the service or of the
// file (docs/decisions/0144).
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "compose/model.hpp"

namespace consort::compose {

inline constexpr const char* docker_socket = "/var/run/docker.sock";

// A path of the host at which programs look for Docker.
bool is_docker_socket(std::string_view path);

enum class ApiSocket : std::uint8_t {
  none,     // it asks for no socket
  project,  // shows and changes nothing but its own project
  full,     // that at Docker's place, else the one of `consort serve`
};
// Code::invalid, with its place, for a word that is neither "project" nor "full".
Result<ApiSocket> api_socket_of(const Project& project, const Service& service);

}  // namespace consort::compose
