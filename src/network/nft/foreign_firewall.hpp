// The host's other firewalls, as far as they drop forwarded packets that they do not know. Each has a chain that it
// keeps for rules of others, and there our bridges get one rule for each direction, with a comment of ours:
//   DOCKER-USER                          a running Docker Engine sets the policy of FORWARD to drop
//   ufw-user-forward, ufw6-user-forward  ufw does so by default; this is where `ufw route allow` puts its rules
// What may really pass is decided by our own table, which sees the same packets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "network/nft/nft.hpp"

namespace consort::foreign_firewall {

// No such chain: nothing to do. Already open: fine.
Result<> open_for(nft::Socket& socket, std::string_view bridge);
Result<> close_for(nft::Socket& socket, std::string_view bridge);

struct Chain {
  std::uint8_t family;
  std::string name;  // in the table "filter"
};
const std::vector<Chain>& chains_for_others();

}  // namespace consort::foreign_firewall
