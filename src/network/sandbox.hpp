// A sandbox is the network namespace of one container: its interfaces, addresses and routes, and the sockets on which
// the supervisor answers its DNS queries. Creating one takes a few netlink messages and runs no program.
//
// The calling thread enters the new namespace and returns; other threads are not affected. A HostLink is used by one
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
  std::string bridge;           // on the host; "": a parent, or a veth pair to the host only (see host_address)
  std::string parent;           // the host's interface that this macvlan or ipvlan is on
  std::string driver;           // with a parent: macvlan or ipvlan
  std::string mode;             // of that driver: bridge, private, vepa, passthru; l2
  std::string ifname = "eth0";  // in the container
  std::string host_ifname;      // of the veth's host end; "": random
  std::optional<InterfaceAddress> ipv4;
  std::optional<Address> gateway4;
  std::optional<InterfaceAddress> ipv6;
  std::optional<Address> gateway6;
  std::optional<MacAddress> mac;                 // default: MacAddress::of(ipv4)
  bool default_route = false;                    // at most one endpoint of a container
  bool internal = false;                         // its gateways are not used
  bool isolated = false;                         // enable_icc=false: may talk to the bridge only
  std::optional<InterfaceAddress> host_address;  // without bridge: of the veth's host end
  std::vector<InterfaceAddress> more_addresses;  // in addition to ipv4 and ipv6: link-local ones
  std::uint32_t mtu = 0;                         // bytes; 0: the bridge's
};

enum class SandboxDns : std::uint8_t { none, resolver };

// Which user namespace owns the network namespace, and thus who has root's rights in it.
enum class SandboxUsers : std::uint8_t {
  machine,
  container,  // a user namespace created with it: base/os/processes/container_users.hpp
};

struct SandboxOptions {
  std::string container_id;
  std::vector<Endpoint> endpoints;  // in order of creation; none: loopback only
  std::vector<std::pair<std::string, std::string>>
      sysctls;  // net.* names with dots, applied last; others: Code::invalid
  SandboxDns dns = SandboxDns::resolver;
  SandboxUsers users = SandboxUsers::machine;
  int users_fd = -1;  // borrowed; of a container that already has its user namespace
};

struct Sandbox {
  Fd netns;    // for the container to join; keeps the namespace alive
  Fd dns_udp;  // bound in the namespace to 127.0.0.11:53, non-blocking; -1 without resolver
  Fd dns_tcp;
  std::vector<std::string> host_links;  // the veth ends on the bridges
};

// A change from one set of endpoints of a sandbox in use to another. Endpoints are the same if their network and their
// interface are.
struct SandboxChange {
  std::vector<Endpoint> before;  // including those whose links remove_links() has removed
  std::vector<Endpoint> after;
  // no: a process was killed during a change, so new endpoints' interfaces may already exist. They are created again,
  // and so are the default routes.
  enum class Known : std::uint8_t { yes, no } before_is_known = Known::yes;
};

// Sockets into the host's namespace that many sandboxes share. One per process is enough.
class HostLink {
 public:
  static Result<HostLink> open();
  HostLink(HostLink&&) noexcept;
  HostLink& operator=(HostLink&&) noexcept;
  ~HostLink();

  // A failure leaves nothing behind.
  Result<Sandbox> create_sandbox(const SandboxOptions& options);
  // There is no destroy: the kernel removes the namespace and its interfaces, both ends of each veth pair, once the
  // last descriptor is closed and the last process in it has ended. That takes some 50 ms in the background, whereas
  // removing the veth pairs ourselves would make the caller wait. remove_bridge() leaves none behind.

  // Creates the links of new endpoints, and the default routes if they change. A failure leaves the sandbox as it was.
  Result<> change_sandbox(Sandbox& sandbox, const SandboxChange& change);

  // Creates new DNS sockets in the namespace of a container that has outlived its previous ones.
  Result<> reopen_resolver(Sandbox& sandbox);

  struct State;
  State& state() { return *state_; }

 private:
  explicit HostLink(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Removes interfaces, each with its other end on the host, from a namespace; missing ones are fine. Takes some 40 ms,
// in which the kernel waits for a grace period, so a supervisor's loop must not call it.
Result<> remove_links(int netns, std::span<const std::string> interfaces);

// A namespace with external access for RUN steps of a build. It has its own veth pair to the host with a /30 from the
// default pool, so there is no bridge to create, share and remove.
struct BuildSandbox {
  LockFile claim;  // marks the veth pair as in use
  Sandbox sandbox;
  std::string resolv_conf;   // for /etc/resolv.conf: the host's own resolver
  std::string host_gateway;  // the host's address on the veth pair
};
Result<BuildSandbox> create_build_sandbox(HostLink& host, const std::string& id, const std::string& run_root);
// Closes the namespace and removes its rules from the firewall.
Result<> destroy_build_sandbox(BuildSandbox build);
// Removes the veth pairs and rules of builds that were killed. Costs one directory listing if there are none.
Result<> sweep_build_sandboxes(const std::string& run_root);

// "veth" followed by seven random digits.
Result<std::string> random_link_name();

}  // namespace consort
