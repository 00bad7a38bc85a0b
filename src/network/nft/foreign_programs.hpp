// Firewalls in which only their own programs can make openings for our bridges: firewalld, and iptables with the legacy
// kernel backend. Nothing is run if neither is in use.
//
// A rootless user's bridges are in a network namespace of their own, which has neither.
#pragma once

#include <span>
#include <string>

#include "network/nft/host_programs.hpp"
#include "network/nft/nft.hpp"

namespace consort::foreign_programs {

// Whether open_for() might have to run a program. Fast.
Result<bool> are_wanted(nft::Socket& socket, std::span<const std::string> bridges);

// These wait for the programs. Succeeds if already open. Threads that call them concurrently share a run of
// firewall-cmd.
Result<> open_for(nft::Socket& socket, const HostPrograms& programs, std::span<const std::string> bridges);
Result<> close_for(nft::Socket& socket, const HostPrograms& programs, std::span<const std::string> bridges);

}  // namespace consort::foreign_programs
