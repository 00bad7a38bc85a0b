// Our part of the host's firewall: the nftables table `inet consort` (docs/decisions/0005), and the openings in the
// firewalls of others that let our packets pass (DOCKER-USER of a Docker Engine).
//
// The rules are fixed; only elements of sets and maps change: a bridge, a published port. So each change is one small
// transaction, two projects never disturb each other, and repeating a change is harmless.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "network/address.hpp"
#include "network/ports.hpp"

namespace consort {

struct HostPrograms;
namespace firewall {
struct ElementChange;
}

// Which ports of a container are reachable from outside at its own address, which is then routed to this host (Docker's
// gateway modes, by family).
enum class DirectAccess : std::uint8_t {
  none,       // nat: published ports only, at the host's address
  published,  // routed: that, at its own; and nothing is masqueraded
  all,        // nat-unprotected: published or not
};

struct BridgePolicy {
  std::string bridge;
  bool internal = false;
  bool masquerade = true;
  DirectAccess direct4 = DirectAccess::none, direct6 = DirectAccess::none;
  bool operator==(const BridgePolicy&) const = default;
};

// Packets to host:port go to target:target_port. host may be "any", which leaves out loopback.
struct Redirect {
  Protocol protocol = Protocol::tcp;
  Address host;
  std::uint16_t port = 0;
  Address target;
  std::uint16_t target_port = 0;
};

struct PortRules {
  std::vector<Redirect> redirects;
  // Ports of loopback addresses, which nothing but loopback may reach even where route_localnet is set. Targets of
  // these and the next do not matter.
  std::vector<Redirect> guards;
  // Ports that only our relay serves, without the kernel. Containers of internal networks must not reach it either.
  std::vector<Redirect> relayed;
};

class Firewall {
 public:
  // Permanently, in the network namespace of the caller.
  static Result<Firewall> open();
  static Result<Firewall> open(HostPrograms programs);  // of other firewalls, where they are not the host's
  Firewall(Firewall&&) noexcept;
  Firewall& operator=(Firewall&&) noexcept;
  ~Firewall();

  Result<> ensure_table();  // there already: fine; of another version: its rules are replaced, its elements stay

  Result<> add_bridge(const BridgePolicy& policy);  // makes the table too
  // The last one takes the table with it. Waits for other firewalls' programs.
  Result<> remove_bridges(std::span<const std::string> bridges);
  Result<std::vector<std::string>> bridges();
  // Of those that are in the table: as it has them. The others stay as they are; true: there are none.
  Result<bool> read_policies(std::span<BridgePolicy> policies);
  // add_bridge()'s part in the firewalls of others.
  Result<> open_foreign(const std::string& bridge);
  // What add_bridge() leaves undone: openings that only programs of other firewalls can make (firewall-cmd), which may
  // take seconds. Not in an event loop, which only asks whether it may be needed, and has a child do it.
  Result<> open_by_programs(std::span<const std::string> bridges);
  Result<bool> wants_programs(std::span<const std::string> bridges);

  // One transaction each. An older redirection of the same address and port is replaced; removing a missing one is no
  // error. Flows known to the kernel keep their route: see conntrack.hpp.
  Result<> add_ports(const PortRules& ports);
  Result<> remove_ports(const PortRules& ports);
  // What of their keys somebody has left who is gone, wherever it leads: the caller holds the ports. Checks first,
  // which is faster if there is nothing to remove.
  Result<> remove_left(const PortRules& ports);
  // Those that lead to these very targets: the address and port of one may be somebody else's by now.
  Result<> remove_redirects(std::span<const Redirect> redirects);
  // Instead of what was open at this address: what DirectAccess::published means. They go with their bridge.
  Result<> set_openings(const Openings& openings);

 private:
  struct State;
  explicit Firewall(std::unique_ptr<State> state);
  Result<> remove_unused_table();
  Result<std::vector<firewall::ElementChange>> elements_with(std::span<const std::string> bridges);
  Result<std::vector<firewall::ElementChange>> present_among(std::span<const firewall::ElementChange> changes);
  Result<> replace(std::span<const firewall::ElementChange> changes);
  Result<> remove_elements(std::span<const firewall::ElementChange> changes);
  std::unique_ptr<State> state_;
};

// Turns on forwarding between interfaces. IPv6: interfaces that learn their routes from advertisements keep doing so.
Result<> enable_forwarding(Family family);

}  // namespace consort
