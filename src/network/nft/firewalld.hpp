// firewalld rejects what it is to forward for interfaces that are in none of its zones, and has no chain for rules of
// others; by default nobody else can change its table at all. So a bridge is put in a zone, as Docker does.
#pragma once

#include <string_view>

#include "network/nft/nft.hpp"

namespace consort::firewalld {

inline constexpr std::string_view table_name = "firewalld";

// Into the zone "trusted" until firewalld ends; a reload keeps it. What is in a zone already stays in it. Nothing to do
// where there is no firewalld, or where it has ended and left its rules: then the doctor tells.
Result<> open_for(nft::Socket& socket, std::string_view bridge);
// Not out of a zone that somebody else has chosen.
Result<> close_for(nft::Socket& socket, std::string_view bridge);

// firewalld runs, and would do what is asked.
bool answers();

}  // namespace consort::firewalld
