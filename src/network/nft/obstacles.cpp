#include "network/obstacles.hpp"

#include <optional>

#include "base/strings.hpp"
#include "network/firewall.hpp"
#include "network/link/namespace.hpp"
#include "network/nft/firewalld.hpp"
#include "network/nft/foreign_firewall.hpp"
#include "network/nft/nft.hpp"

namespace consort {

using nft::Socket;

namespace {

constexpr std::string_view foreign_table = "filter";
constexpr std::string_view bridge_prefix = "br-";

// If firewalld could not be asked to put a bridge into a zone: bridges without a zone are in its default zone, which
// forwards nothing.
Result<std::optional<FirewallObstacle>> of_firewalld(Socket& socket, const nft::ForwardChain& chain,
                                                     const std::vector<std::string>& bridges) {
  std::vector<std::string> unknown;
  for (const std::string& bridge : bridges)
    if (!TRY(nft::names_interface(socket, chain.family, chain.table, bridge))) unknown.push_back(bridge);
  if (bridges.empty() ? firewalld::answers(HostPrograms()) : unknown.empty()) return std::optional<FirewallObstacle>();
  const std::string add = "sudo firewall-cmd --permanent --zone=trusted --add-interface=";
  if (bridges.empty())
    return FirewallObstacle{"firewalld does not forward traffic of bridges that are in no zone",
                            add +
                                "BRIDGE && sudo firewall-cmd --reload, with the bridges that `consort doctor` "
                                "names when a project is up"};
  return FirewallObstacle{"firewalld does not forward traffic of " + join(unknown, ", ") + ", which is in no zone",
                          add + join(unknown, " --add-interface=") + " && sudo firewall-cmd --reload"};
}

Result<bool> is_opened(Socket& socket, const nft::ForwardChain& found) {
  if (found.table != foreign_table || found.name != "FORWARD") return false;
  for (const foreign_firewall::Chain& chain : foreign_firewall::chains_for_others())
    if (chain.family == found.family &&
        TRY(nft::chain_exists(socket, chain.family, std::string(foreign_table), chain.name)))
      return true;
  return false;
}

// Checks for the rules that the suggested command creates.
Result<bool> is_opened_by_hand(Socket& socket, const nft::ForwardChain& chain) {
  return nft::accepts_interfaces(socket, chain.family, chain.table, bridge_prefix);
}

std::string_view family_word(std::uint8_t family) {
  if (family == NFPROTO_INET) return "inet";
  return family == NFPROTO_IPV4 ? "ip" : "ip6";
}

// All our rules, where they are in nobody's way: a kernel may have nftables, but not what they need of it.
Result<> try_rules() {
  const Fd home = TRY(current_network_namespace());
  const NamespaceVisit elsewhere = TRY(NamespaceVisit::create(home.get()));
  return TRY(Firewall::open()).ensure_table();
}

}  // namespace

Result<std::vector<FirewallObstacle>> firewall_obstacles() {
  TRY(try_rules());
  Firewall firewall = TRY(Firewall::open());
  const std::vector<std::string> bridges = TRY(firewall.bridges());
  Socket socket = TRY_WRAP(Socket::open(NETLINK_NETFILTER), "reach the firewall");
  std::vector<FirewallObstacle> found;
  for (const nft::ForwardChain& chain : TRY(nft::list_forward_chains(socket))) {
    if (chain.family == NFPROTO_INET && chain.table == firewalld::table_name) {
      std::optional<FirewallObstacle> obstacle = TRY(of_firewalld(socket, chain, bridges));
      if (obstacle) found.push_back(std::move(*obstacle));
      continue;
    }
    if (!chain.drops || TRY(is_opened(socket, chain)) || TRY(is_opened_by_hand(socket, chain))) continue;
    const std::string name = std::string(family_word(chain.family)) + " " + chain.table + " " + chain.name;
    const std::string insert = "sudo nft insert rule " + name;
    found.push_back({"chain " + name + " of nftables drops all other traffic",
                     insert + R"( iifname "br-*" accept; )" + insert + R"( oifname "br-*" accept)"});
  }
  return found;
}

}  // namespace consort
