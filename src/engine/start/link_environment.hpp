// Environment variables that a container on the default network gets for each linked container: DB_NAME, DB_PORT,
// DB_PORT_5432_TCP_ADDR, DB_ENV_POSTGRES_USER (Docker's legacy container links).
#pragma once

#include <string>

#include "engine/types.hpp"

namespace consort::engine {

struct LinkedContainer {
  std::string alias;      // "db"
  std::string address;    // IPv4
  Strings exposed;        // "5432/tcp"
  Strings environment{};  // "K=V"
};
// of: the name of the container that gets the variables.
Strings link_environment(const std::string& of, const LinkedContainer& linked);

}  // namespace consort::engine
