// Where a supervisor listens for its project's API, once a container has that socket mounted: whoever connects is
// answered by `consort serve --project` (loop/api_door.hpp).
#pragma once

#include <string>

namespace consort::supervisor {

inline std::string api_socket_path(const std::string& project_run) {
  return project_run + "/api.sock";
}

}  // namespace consort::supervisor
