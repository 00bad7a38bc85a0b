// firewalld rejects forwarded packets of interfaces that are in none of its zones. It has no chain for other programs'
// rules, and by default nobody else can change its table. So each bridge is added to a zone, as Docker does.
//
// That requires firewall-cmd, which takes a third of a second, or never ends: see host_programs.hpp. It is not run if
// there is no firewalld, or if firewalld has ended and left its rules, which `consort doctor` reports.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "network/nft/host_programs.hpp"
#include "network/nft/nft.hpp"

namespace consort::firewalld {

inline constexpr std::string_view table_name = "firewalld";

// The bridges that are in none of its zones, or in one; both are empty if it has no rules. Runs no program.
Result<std::vector<std::string>> unknown_among(nft::Socket& socket, std::span<const std::string> bridges);
Result<std::vector<std::string>> known_among(nft::Socket& socket, std::span<const std::string> bridges);

// Adds the bridges to the zone "trusted" until firewalld ends; a reload keeps that. Bridges that are in a zone stay in
// it. One run for all of them. Returns the reason of each failure by bridge.
using Failures = std::map<std::string, std::string>;
Result<Failures> open_for(nft::Socket& socket, const HostPrograms& programs, std::span<const std::string> bridges);
// Does not remove bridges from a zone that somebody else has chosen.
Result<> close_for(nft::Socket& socket, const HostPrograms& programs, std::span<const std::string> bridges);

// Whether firewalld is running and would accept requests.
bool answers(const HostPrograms& programs);

}  // namespace consort::firewalld
