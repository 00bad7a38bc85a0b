// Published ports (spec: engine-behaviour 13). Each is held by listening sockets, so nobody else can take it; packets
// from outside are redirected by the kernel (firewall.hpp), and what the kernel can't do (loopback, [::] without
// IPv6 in the network) goes through a relay in this process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/os/event_loop.hpp"
#include "network/address.hpp"

namespace consort {

enum class Protocol : std::uint8_t { tcp, udp };
std::string_view to_string(Protocol protocol);
std::optional<Protocol> parse_protocol(std::string_view text);

struct PortRequest {
  std::string host_ip;              // "": 0.0.0.0 and [::]
  std::uint16_t host_port = 0;      // 0: the next free one of the host's range for ephemeral ports
  std::uint16_t host_port_end = 0;  // 0 or host_port: one port; else the first free one of the range
  std::uint16_t container_port = 0;
  Protocol protocol = Protocol::tcp;
};

struct PortTarget {
  std::optional<Address> ipv4;  // the container's addresses on the network that gives it the default route
  std::optional<Address> ipv6;
};

// A socket that holds (and, for the relay, serves) one address of a published port.
struct PortSocket {
  Address address;
  Fd fd;
};

// A port that is really ours from now on; nothing is forwarded yet.
struct ReservedPort {
  PortRequest request;
  std::uint16_t host_port = 0;  // the one that was found
  std::vector<PortSocket> sockets;
};

// Says who holds a port, if that is known better than by pid: "project shop, container shop-web-1".
using PortOwnerLookup = std::function<std::optional<std::string>(pid_t pid, const PortRequest&, std::uint16_t port)>;

// Code::conflict with Docker's words when it is taken, and who holds it in why() and hint().
Result<ReservedPort> reserve_port(const PortRequest& request, const PortOwnerLookup& owner = {});

// The process that holds a local port, from /proc; nullopt if it can't be seen.
struct PortHolder {
  pid_t pid = 0;
  std::string name;  // comm
};
std::optional<PortHolder> find_port_holder(Protocol protocol, std::uint16_t port);

// Forwards reserved ports on an event loop. One per supervisor.
class PortPublisher {
 public:
  using Id = std::uint64_t;
  static Result<std::unique_ptr<PortPublisher>> create(EventLoop& loop);
  virtual ~PortPublisher() = default;

  // Redirects and relays from now on. The sockets are borrowed from `port`, which must outlive the publication
  // (a supervisor that takes over passes the ones that the keeper kept). Publishing again what is there is fine.
  virtual Result<Id> publish(const ReservedPort& port, const PortTarget& target) = 0;
  // Ends new connections and running ones; removes the redirection. Unknown is fine. The sockets stay open.
  virtual Result<> unpublish(Id id) = 0;
};

}  // namespace consort
