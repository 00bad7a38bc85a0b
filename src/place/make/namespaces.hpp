// Creates the namespaces of a place.
#pragma once

#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "place/place.hpp"

namespace consort::place {

struct Namespaces {
  Fd user, mount, network;
  MissingIds missing;  // why the user namespace has only one user
};
// The caller must be single-threaded.
Result<Namespaces> make_namespaces();

// pasta or slirp4netns with its arguments; empty if neither is installed. "/proc/PID/" refers to the keeper.
std::vector<std::string> link_arguments();

}  // namespace consort::place
