// Our part of the host's firewall: the nftables table `inet consort` (docs/decisions/0005), and the rules in other
// firewalls that let our packets pass (DOCKER-USER of a Docker Engine).
//
// The rules are fixed; only elements of sets and maps change, such as a bridge or a published port. So each change is
// one small transaction, projects never disturb each other, and repeating a change is harmless. A Firewall is used by
// one thread at a time.
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

// Which ports of a container are reachable from outside at its own address, which is then routed to this host: Docker's
// gateway modes, per family.
enum class DirectAccess : std::uint8_t {
  none,       // nat: only published ports, at the host's address
  published,  // routed: only published ports, at its own address; no masquerading
  all,        // nat-unprotected: all ports
};

struct BridgePolicy {
  std::string bridge;
  bool internal = false;
  bool masquerade = true;
  DirectAccess direct4 = DirectAccess::none, direct6 = DirectAccess::none;
  bool operator==(const BridgePolicy&) const = default;
};

// Redirects packets for host:port to target:target_port. host may be "any", which excludes loopback addresses.
struct Redirect {
  Protocol protocol = Protocol::tcp;
  Address host;
  std::uint16_t port = 0;
  Address target;
  std::uint16_t target_port = 0;
};

struct PortRules {
  std::vector<Redirect> redirects;
  // Ports of loopback addresses, to be reachable only from loopback, even if route_localnet is set. The targets in this
  // and the next list are ignored.
  std::vector<Redirect> guards;
  // Ports served by our relay only, not by the kernel. Containers of internal networks must not reach them either.
  std::vector<Redirect> relayed;
};

class Firewall {
 public:
  // Bound permanently to the caller's network namespace.
  static Result<Firewall> open();
  static Result<Firewall> open(HostPrograms programs);  // programs of other firewalls, if not the host's
  Firewall(Firewall&&) noexcept;
  Firewall& operator=(Firewall&&) noexcept;
  ~Firewall();

  Result<> ensure_table();  // succeeds if present; replaces rules of another version, keeping the elements

  Result<> add_bridge(const BridgePolicy& policy);  // creates the table too
  // Removing the last bridge removes the table. Waits for the programs of other firewalls.
  Result<> remove_bridges(std::span<const std::string> bridges);
  Result<std::vector<std::string>> bridges();
  // Sets each policy whose bridge is in the table to the table's values and leaves the others as they are. True if all
  // are there.
  Result<bool> read_policies(std::span<BridgePolicy> policies);
  // The part of add_bridge() that concerns other firewalls.
  Result<> open_foreign(const std::string& bridge);
  // Does what add_bridge() leaves out: openings that only programs of other firewalls can make (firewall-cmd), which
  // may take seconds. An event loop only calls wants_programs() and lets a child process do it.
  Result<> open_by_programs(std::span<const std::string> bridges);
  Result<bool> wants_programs(std::span<const std::string> bridges);

  // One transaction each. An existing redirection of the same address and port is replaced; removing a missing one is
  // not an error. Flows known to the kernel keep their route: see conntrack.hpp.
  Result<> add_ports(const PortRules& ports);
  Result<> remove_ports(const PortRules& ports);
  // Removes elements with these keys that a dead process has left, whatever their targets: the caller holds the ports.
  // It checks first, which is faster if there is nothing to remove.
  Result<> remove_left(const PortRules& ports);
  // Removes only redirections to exactly these targets: their addresses and ports may belong to others by now.
  Result<> remove_redirects(std::span<const Redirect> redirects);
  // Replaces the openings at this address (see DirectAccess::published). They are removed with their bridge.
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

// Turns on forwarding between interfaces. Interfaces that learn IPv6 routes from advertisements keep doing so.
Result<> enable_forwarding(Family family);

}  // namespace consort
