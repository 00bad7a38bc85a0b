// What whoever starts a container makes of it beforehand. A command has threads and waits for nobody; the supervisor
// has one thread for all containers of its project, names and ports included, and what the kernel needs for a network
// namespace and for the mount of a root file system is most of what a start costs. docs/decisions/0087.
//
// All of it are descriptors of things that hang nowhere else: whoever has the last one and dies takes them along.
#pragma once

#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "network/sandbox.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

struct MadeAhead {
  Sandbox sandbox;  // without a netns: not made
  Fd root;          // the overlay, mounted nowhere; -1: not made
};

// For a container that this boot has not seen running: what is left of an earlier run may have its upper layer mounted
// still. What cannot be made, or is none of its own, is left out; the supervisor makes it, or says why it cannot be.
Fd make_root_ahead(const ContainerUnit& unit);
Sandbox make_sandbox_ahead(const ContainerUnit& unit);

// As sent with a request: descriptors, and what they are.
struct MadeAheadNames {
  std::vector<std::string> descriptors;
  std::vector<std::string> host_links;
};
MadeAheadNames names_of(const MadeAhead& made);
std::vector<int> descriptors_of(const MadeAhead& made);  // borrowed, in the order of the names
// Code::invalid: they do not match.
Result<MadeAhead> made_ahead_of(const MadeAheadNames& names, std::vector<Fd> descriptors);

}  // namespace consort::supervisor
