// Hosts whose iptables still has the old kernel backend (ip_tables): its rules are invisible to nf_tables and can only
// be changed with its own program. Runs a program: see host_programs.hpp.
#pragma once

#include <string_view>

#include "network/nft/host_programs.hpp"

namespace consort::legacy_iptables {

// The same as foreign_firewall does for nf_tables: one rule for each direction in the chains kept for others. Nothing
// to do, and nothing is run, where the backend is not in use.
Result<> open_for(const HostPrograms& programs, std::string_view bridge);
Result<> close_for(const HostPrograms& programs, std::string_view bridge);

bool is_in_use();  // runs nothing

}  // namespace consort::legacy_iptables
