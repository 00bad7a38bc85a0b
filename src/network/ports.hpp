// Published ports (`docker run --publish`). Each is held by listening sockets, so nobody else can take it; packets
// from outside are redirected by the kernel (firewall.hpp), and what the kernel can't do (loopback, [::] without
// IPv6 in the network) goes through a relay in this process.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/os/loop/stepped_work.hpp"
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
  // Families that are routed to the container, whose ports need none of the host's.
  bool skip_ipv4 = false, skip_ipv6 = false;
};

struct PortTarget {
  std::optional<Address> ipv4;  // the container's addresses on the network that gives it the default route
  std::optional<Address> ipv6;
  bool any() const { return ipv4 || ipv6; }
  bool operator==(const PortTarget&) const = default;
};

// A socket that holds (and, for the relay, serves) one address of a published port.
struct PortSocket {
  Address address;
  Fd fd;
  bool outside = false;  // of another network namespace than ours: see HostSockets
};

// For ports that are published on another network than the one of this process, its bridges and its firewall: the
// host's, if we are in a user's network namespace. Opens a socket there that is bound to the name, and that listens if
// it is a stream. Its connections go through the relay; the kernel's redirection doesn't apply to it.
// Who has a name that is taken may not be seen from here: then the error's hint is "PID NAME" of that process, if
// known.
using HostSockets = std::function<Result<Fd>(int family, int type, const void* name, std::size_t size)>;
// Of a socket that was inherited.
bool is_outside(int socket);

// Ports of a container that are reachable from outside at its own address, if its network is routed.
struct Openings {
  std::string bridge;
  Address address;
  struct Port {
    Protocol protocol = Protocol::tcp;
    std::uint16_t port = 0;  // the container's
  };
  std::vector<Port> ports;
};

// A port that is reserved; nothing is forwarded yet.
struct ReservedPort {
  PortRequest request;
  std::uint16_t host_port = 0;  // the one that was found
  std::vector<PortSocket> sockets;
};

// Releases TCP ports at once, even if another process (the keeper) still has copies of the sockets open.
void stop_listening(std::span<const ReservedPort> ports);

// Names the holder of a port, if more than its pid is known: "project shop, container shop-web-1".
using PortOwnerLookup = std::function<std::optional<std::string>(pid_t pid, const PortRequest&, std::uint16_t port)>;

// Reserves ports one after the other, in steps of a few system calls: a container may publish thousands.
// Code::conflict with Docker's words when one is taken, and who holds it in why() and hint(). Destroying it without
// take() releases the reserved ports.
class PortReservation {
 public:
  using Next = SteppedWork::Next;
  explicit PortReservation(std::vector<PortRequest> requests, PortOwnerLookup owner = {}, HostSockets outside = {});
  PortReservation(PortReservation&&) noexcept;
  PortReservation& operator=(PortReservation&&) noexcept;
  ~PortReservation();

  Result<Next> step();
  std::size_t reserved() const;      // so far, in the order of the requests
  std::vector<ReservedPort> take();  // when step() has finished

 private:
  struct State;
  std::unique_ptr<State> state_;
};
// A port of one address that was published before, without looking for another or for whoever has it.
Result<ReservedPort> reserve_again(const Address& address, std::uint16_t port, const PortRequest& request);
// All steps for one port.
Result<ReservedPort> reserve_port(const PortRequest& request, const PortOwnerLookup& owner = {});

struct PortHolder {
  pid_t pid = 0;     // 0: it can't be seen, only that there is a connection
  std::string name;  // comm
  enum class By : std::uint8_t {
    name,
    connection
  } by = By::name;  // it listens there; or it has an outgoing connection
};
// Looks in /proc for the process that holds a local port, a few processes per step: a host may have thousands.
class PortHolderSearch {
 public:
  using Next = SteppedWork::Next;
  PortHolderSearch(Protocol protocol, std::uint16_t port);
  explicit PortHolderSearch(PortHolder known) : found_(std::move(known)) {}
  Next step();
  const std::optional<PortHolder>& found() const { return found_; }  // nullopt: it can't be seen

 private:
  bool has_open(const std::string& process) const;
  PortHolder::By by_ = PortHolder::By::name;
  std::set<std::string> sockets_;  // "socket:[INODE]"
  std::vector<pid_t> processes_;   // still to be looked at
  std::optional<PortHolder> found_;
};
// All steps at once.
std::optional<PortHolder> find_port_holder(Protocol protocol, std::uint16_t port);

// A running connection of the relay, as handed over to a successor of this process. All state is in the kernel: the two
// sockets, and a pipe for each direction with the bytes that were read from one and not yet written to the other.
struct ConnectionId {
  std::size_t port = 0, socket = 0;  // ports[port].sockets[socket] of the publication
  std::uint64_t number = 0;
  auto operator<=>(const ConnectionId&) const = default;
};
struct KeptConnection {
  ConnectionId id;
  enum Part : std::uint8_t { client, server, up_read, up_write, down_read, down_write, parts };
  std::array<Fd, parts> descriptors;
};
// Where they are kept meanwhile. Called from the loop.
class ConnectionKeeper {
 public:
  virtual ~ConnectionKeeper() = default;
  virtual void keep(const ConnectionId& id, std::span<const int, KeptConnection::parts> borrowed) = 0;
  virtual void forget(const ConnectionId& id) = 0;
};

// Forwards reserved ports on an event loop. One per supervisor.
class PortPublisher {
 public:
  using Id = std::uint64_t;
  using Done = std::move_only_function<void(Result<>)>;
  static Result<std::unique_ptr<PortPublisher>> create(EventLoop& loop);
  virtual ~PortPublisher() = default;

  struct Publication {
    std::span<const ReservedPort> ports;
    PortTarget target;
    ConnectionKeeper* keeper = nullptr;     // lives until unpublish(); without one connections end with this process
    std::vector<KeptConnection> inherited;  // to go on with
    // Whether somebody who is gone may have told the firewall of these ports. Which setting that one had nobody knows.
    enum class Predecessor : std::uint8_t { none, possible } predecessor = Predecessor::none;
    // Which of the sockets; without it all of them.
    std::function<bool(std::size_t port, std::size_t socket)> includes;
  };
  // Redirects and relays from now on, all ports or none; an Error names the port. The descriptors in `ports` are
  // borrowed until unpublish(): a supervisor that takes over passes the ones that the keeper kept. Publishing a port
  // again is harmless. `done` is called once, from the loop, unless unpublish() comes first.
  virtual Id publish(Publication publication, Done done) = 0;
  // Closes running connections and accepts no new ones; removes the redirections. An unknown container is no error. The
  // sockets stay open.
  virtual Result<> unpublish(Id id) = 0;
  // Instead of what was open at this address. Nothing: it is forgotten. It stays when this process ends.
  virtual Result<> open(const Openings& openings) = 0;
  // Restores the redirections and openings of published ports after another program has flushed the firewall.
  virtual Result<> put_back() = 0;
  // Removes the redirections that a publisher which is gone may have left of these ports. The caller holds the ports,
  // so the redirections belong to no one else. Missing ones are no error.
  virtual Result<> take_back(std::span<const ReservedPort> ports, const PortTarget& target) = 0;
  // Likewise of ports that somebody else may have by now, whose own redirections stay. Of the sockets only the
  // addresses are looked at.
  virtual Result<> disown(std::span<const ReservedPort> ports, const PortTarget& target) = 0;
};

}  // namespace consort
