// Makes the namespaces of a place.
#pragma once

#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "place/place.hpp"

namespace consort::place {

struct Namespaces {
  Fd user, mount, network;
  MissingIds missing;  // why there is only one user in them
};
// The caller must have one thread.
Result<Namespaces> make_namespaces();

// pasta or slirp4netns with its arguments; empty when neither is installed. "/proc/PID/" is the keeper's own.
std::vector<std::string> link_arguments();

}  // namespace consort::place
