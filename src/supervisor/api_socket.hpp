// The path of a project's API socket. The supervisor listens there once a container has the socket mounted; `consort
// serve --project` answers its clients (loop/api_door.hpp).
#pragma once

#include <string>

namespace consort::supervisor {

inline std::string api_socket_path(const std::string& project_run) {
  return project_run + "/api.sock";
}

}  // namespace consort::supervisor
