// The part of other firewalls in which only their own programs can open something for our bridges: firewalld, and
// iptables with the old kernel backend. Nothing is run where neither is in use.
//
// A user's bridges are in a network namespace of their own, in which there is neither.
#pragma once

#include <span>
#include <string>

#include "network/nft/host_programs.hpp"
#include "network/nft/nft.hpp"

namespace consort::foreign_programs {

// Whether open_for() might have to run one. Quick.
Result<bool> are_wanted(nft::Socket& socket, std::span<const std::string> bridges);

// These wait for the programs. Already open: fine. Threads that call them at the same time share a run of firewall-cmd.
Result<> open_for(nft::Socket& socket, const HostPrograms& programs, std::span<const std::string> bridges);
Result<> close_for(nft::Socket& socket, const HostPrograms& programs, std::span<const std::string> bridges);

}  // namespace consort::foreign_programs
