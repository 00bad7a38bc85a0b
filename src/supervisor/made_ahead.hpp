// What a command creates for a container before the supervisor starts it. A command can use threads; the supervisor has
// one thread for all containers of its project, including names and ports, and creating a network namespace and
// mounting a root file system is most of the cost of a start. docs/decisions/0087.
//
// All of it consists of detached objects that only descriptors refer to, so if the process with the last descriptor
// dies, they are gone.
#pragma once

#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "network/sandbox.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

struct MadeAhead {
  Sandbox sandbox;  // without a netns: not created
  Fd root;          // the overlay, mounted nowhere; -1: not created
};

// For a container that has not run since boot: after an earlier run, its upper layer may still be mounted. What cannot
// be created, or is not the container's own, is left out; the supervisor creates it or reports why it cannot.
Fd make_root_ahead(const ContainerUnit& unit);
Sandbox make_sandbox_ahead(const ContainerUnit& unit);

// The descriptors sent with a request, by name.
struct MadeAheadNames {
  std::vector<std::string> descriptors;
  std::vector<std::string> host_links;
};
MadeAheadNames names_of(const MadeAhead& made);
std::vector<int> descriptors_of(const MadeAhead& made);  // borrowed, in the order of the names
// Code::invalid: descriptors and names do not match.
Result<MadeAhead> made_ahead_of(const MadeAheadNames& names, std::vector<Fd> descriptors);

}  // namespace consort::supervisor
