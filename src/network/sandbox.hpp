// A sandbox is the network namespace of one container: its interfaces, addresses, routes, and the sockets on which the
// supervisor answers DNS inside it. Making one takes a few netlink messages and runs no program.
//
// The calling thread enters the new namespace and comes back; other threads do not notice. A HostLink is used by one
// thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/os/fd.hpp"
#include "base/os/files/lock_file.hpp"
#include "network/address.hpp"

namespace consort {

struct Endpoint {
  std::string network_id;
  std::string network_name;
  std::string bridge;           // the host's bridge; "": a veth pair to the host alone, see host_address; or a parent
  std::string parent;           // the host's interface of which this one is a second face
  std::string driver;           // with a parent: macvlan or ipvlan
  std::string mode;             // of that driver: bridge, private, vepa, passthru; l2
  std::string ifname = "eth0";  // inside
  std::string host_ifname;      // of the end on the host; "": a random one
  std::optional<InterfaceAddress> ipv4;
  std::optional<Address> gateway4;
  std::optional<InterfaceAddress> ipv6;
  std::optional<Address> gateway6;
  std::optional<MacAddress> mac;                 // default: MacAddress::of(ipv4)
  bool default_route = false;                    // at most one endpoint of a container
  bool internal = false;                         // then its gateways are not used
  bool isolated = false;                         // enable_icc=false: may talk to the bridge only
  std::optional<InterfaceAddress> host_address;  // without bridge: of the end on the host
  std::vector<InterfaceAddress> more_addresses;  // besides ipv4 and ipv6: link-local ones
  std::uint32_t mtu = 0;                         // bytes; 0: the bridge's
};

enum class SandboxDns : std::uint8_t { none, resolver };

// To whom the namespace belongs, and so who may do in it what root may.
enum class SandboxUsers : std::uint8_t {
  machine,
  container,  // a user namespace made with it: base/os/processes/container_users.hpp
};

struct SandboxOptions {
  std::string container_id;
  std::vector<Endpoint> endpoints;  // in the order in which they are made; none: loopback only
  std::vector<std::pair<std::string, std::string>>
      sysctls;  // net.* names with dots, applied last; others: Code::invalid
  SandboxDns dns = SandboxDns::resolver;
  SandboxUsers users = SandboxUsers::machine;
  int users_fd = -1;  // borrowed; of a container that has users already
};

struct Sandbox {
  Fd netns;    // to be joined by the container; keeps the namespace alive
  Fd dns_udp;  // bound in the namespace, non-blocking; -1 without resolver. Asked at 127.0.0.11:53
  Fd dns_tcp;
  std::vector<std::string> host_links;  // the veth ends on the bridges
};

// From one set of endpoints of a sandbox in use to another. An endpoint is the same if its network and its interface
// are.
struct SandboxChange {
  std::vector<Endpoint> before;  // with those whose links remove_links() has taken away
  std::vector<Endpoint> after;
  // After somebody was killed in the middle of it nobody knows how far that went: interfaces of new endpoints may be
  // there already and are made anew, and so are the default routes.
  enum class Known : std::uint8_t { yes, no } before_is_known = Known::yes;
};

// Sockets into the host's side that many sandboxes share. One per process is enough.
class HostLink {
 public:
  static Result<HostLink> open();
  HostLink(HostLink&&) noexcept;
  HostLink& operator=(HostLink&&) noexcept;
  ~HostLink();

  // On failure nothing is left behind.
  Result<Sandbox> create_sandbox(const SandboxOptions& options);
  // There is no destroy: the kernel takes the namespace and its interfaces away, both ends of each veth pair, as soon
  // as the last descriptor is closed and the last process in it has gone. That takes it some 50 ms in the background,
  // where removing the veth pairs ourselves would keep the caller waiting for it. remove_bridge() does not leave any
  // behind.

  // Makes the links of new endpoints, and the default routes where others give them now. On failure it is as before.
  Result<> change_sandbox(Sandbox& sandbox, const SandboxChange& change);

  // New DNS sockets in the namespace of a container that has outlived those it had.
  Result<> reopen_resolver(Sandbox& sandbox);

  struct State;
  State& state() { return *state_; }

 private:
  explicit HostLink(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Takes interfaces, and with each its other end on the host, out of a namespace; gone already is fine. Takes some 40
// ms, in which the kernel waits for its own readers: nothing for the loop of a supervisor.
Result<> remove_links(int netns, std::span<const std::string> interfaces);

// A namespace with a way to the outside for RUN steps of a build. It has a veth pair of its own to the host with a /30
// out of the default pool: no bridge to make, to share and to remove.
struct BuildSandbox {
  LockFile claim;  // says that the veth pair is in use
  Sandbox sandbox;
  std::string resolv_conf;   // what /etc/resolv.conf should say: the resolver is the host's own
  std::string host_gateway;  // the host's address on the veth pair
};
Result<BuildSandbox> create_build_sandbox(HostLink& host, const std::string& id, const std::string& run_root);
// Closes the namespace and takes its rules out of the firewall.
Result<> destroy_build_sandbox(BuildSandbox build);
// Removes the veth pairs and rules of builds that were killed. One listing where there are none.
Result<> sweep_build_sandboxes(const std::string& run_root);

// "veth" and seven random digits.
Result<std::string> random_link_name();

}  // namespace consort
