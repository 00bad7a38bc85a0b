// Other firewalls on the host that drop unknown forwarded packets. Each has a chain for other programs' rules, and our
// bridges get one rule per direction there, marked with a comment:
//   DOCKER-USER                          a running Docker Engine sets the policy of FORWARD to drop
//   ufw-user-forward, ufw6-user-forward  ufw does so by default; this is where `ufw route allow` puts its rules
// Our own table decides what may really pass; it sees the same packets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "network/nft/nft.hpp"

namespace consort::foreign_firewall {

// Succeeds if there is no such chain or the bridge is already open.
Result<> open_for(nft::Socket& socket, std::string_view bridge);
Result<> close_for(nft::Socket& socket, std::string_view bridge);

struct Chain {
  std::uint8_t family;
  std::string name;  // in the table "filter"
};
const std::vector<Chain>& chains_for_others();

}  // namespace consort::foreign_firewall
