// The fixed part of the table `inet consort`, and the formats of its elements.
#pragma once

#include <string>

#include "network/firewall.hpp"
#include "network/nft/nft.hpp"

namespace consort::firewall {

inline const std::string table_name = "consort";
// Changes with the rules: in a table without a chain of this name, the rules are replaced.
inline const std::string version_chain = "rules_3";

inline const std::string bridges_set = "bridges";    // all our bridges
inline const std::string internal_set = "internal";  // those without external access
inline const std::string masquerade_set = "hidden";  // those whose outgoing packets get the host's address
inline const std::string same_set = "same";          // (bridge, bridge): from a bridge back to itself
inline const std::string loopback_set = "guarded";   // (address, protocol, port)
inline const std::string routed_set = "routed";      // (bridge, family): DirectAccess::published
inline const std::string direct_set = "direct";      // (bridge, family): DirectAccess::all

// An element to add or to remove.
struct ElementChange {
  std::string set;
  nft::Element element;
};

// (protocol, port) or (address, protocol, port) -> (address, port)
struct RedirectMap {
  std::string name;
  nft::Element element;
};
RedirectMap redirect_element(const Redirect& redirect);
RedirectMap relayed_element(const Redirect& port);  // the same key, but in a set
nft::Bytes loopback_key(const Redirect& port);
nft::Bytes family_key(const std::string& bridge, Family family);
// (bridge, address, protocol, port)
const std::string& openings_set(Family family);
nft::Bytes opening_key(const Openings& openings, const Openings::Port& port);
nft::Bytes opening_prefix(const Openings& openings);  // the common prefix of one address's keys

void add_sets(nft::Table& table);
void add_chains(nft::Table& table);  // without rules
void flush_chains(nft::Table& table);
void add_rules(nft::Table& table);

// The sets whose keys begin with an interface name.
std::vector<std::string> interface_sets();

}  // namespace consort::firewall
