// Hosts whose iptables still uses the legacy kernel backend (ip_tables): its rules are invisible to nf_tables, and only
// its own program can change them. Runs programs: see host_programs.hpp.
#pragma once

#include <string_view>

#include "network/nft/host_programs.hpp"

namespace consort::legacy_iptables {

// The same as foreign_firewall does for nf_tables: one rule per direction in the chains for other programs' rules. Does
// nothing, and runs nothing, if the backend is not in use.
Result<> open_for(const HostPrograms& programs, std::string_view bridge);
Result<> close_for(const HostPrograms& programs, std::string_view bridge);

bool is_in_use();  // runs no program

}  // namespace consort::legacy_iptables
