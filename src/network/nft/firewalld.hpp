// firewalld rejects what it is to forward for interfaces that are in none of its zones, and has no chain for rules of
// others; by default nobody else can change its table at all. So a bridge is put in a zone, as Docker does.
//
// That is done by firewall-cmd, which takes a third of a second, or forever: see host_programs.hpp. It is not run where
// there is no firewalld, or where it has ended and left its rules: then the doctor tells.
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

// Which of them its rules have in none of its zones, or in one; none of either where it has no rules. Runs nothing.
Result<std::vector<std::string>> unknown_among(nft::Socket& socket, std::span<const std::string> bridges);
Result<std::vector<std::string>> known_among(nft::Socket& socket, std::span<const std::string> bridges);

// Into the zone "trusted" until firewalld ends; a reload keeps it. What is in a zone already stays in it. One run for
// all of them. By bridge: why it could not be done.
using Failures = std::map<std::string, std::string>;
Result<Failures> open_for(nft::Socket& socket, const HostPrograms& programs, std::span<const std::string> bridges);
// Not out of a zone that somebody else has chosen.
Result<> close_for(nft::Socket& socket, const HostPrograms& programs, std::span<const std::string> bridges);

// firewalld runs, and would do what is asked.
bool answers(const HostPrograms& programs);

}  // namespace consort::firewalld
