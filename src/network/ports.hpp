// Published ports (`docker run --publish`). Listening sockets reserve each port, so nobody else can take it. The kernel
// redirects packets from outside (firewall.hpp); a relay in this process handles what the kernel cannot redirect
// (loopback, and [::] if the network has no IPv6).
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
  std::uint16_t host_port = 0;      // 0: the next free port of the host's ephemeral range
  std::uint16_t host_port_end = 0;  // 0 or host_port: one port; else the first free one of the range
  std::uint16_t container_port = 0;
  Protocol protocol = Protocol::tcp;
  // Families that are routed to the container, so that no port of the host is needed.
  bool skip_ipv4 = false, skip_ipv6 = false;
};

struct PortTarget {
  std::optional<Address> ipv4;  // its addresses on the network with its default route
  std::optional<Address> ipv6;
  bool any() const { return ipv4 || ipv6; }
  bool operator==(const PortTarget&) const = default;
};

// A socket that reserves one address of a published port and, for the relay, accepts connections.
struct PortSocket {
  Address address;
  Fd fd;
  bool outside = false;  // in another network namespace: see HostSockets
};

// Creates sockets in another network namespace than that of this process, its bridges and its firewall: the host's, if
// we run in a rootless user's network namespace. Each socket is bound to the name and, if it is a stream, listens. Its
// connections go through the relay; the kernel's redirection does not apply to it. The holder of a port that is taken
// may not be visible from here; the error's hint is then "PID NAME" of that process, if known.
using HostSockets = std::function<Result<Fd>(int family, int type, const void* name, std::size_t size)>;
// Whether an inherited socket belongs to another network namespace.
bool is_outside(int socket);

// Ports of a container that are reachable from outside at its own address, if its network is routed.
struct Openings {
  std::string bridge;
  Address address;
  struct Port {
    Protocol protocol = Protocol::tcp;
    std::uint16_t port = 0;  // the container's port
  };
  std::vector<Port> ports;
};

// A reserved port; nothing is forwarded yet.
struct ReservedPort {
  PortRequest request;
  std::uint16_t host_port = 0;  // the chosen port
  std::vector<PortSocket> sockets;
};

// Releases TCP ports at once, even if another process (the keeper) still has copies of the sockets open.
void stop_listening(std::span<const ReservedPort> ports);

// Describes the holder of a port in more detail than its PID: "project shop, container shop-web-1".
using PortOwnerLookup = std::function<std::optional<std::string>(pid_t pid, const PortRequest&, std::uint16_t port)>;

// Reserves ports one by one, in steps of a few system calls, because a container may publish thousands. Code::conflict
// with Docker's text if one is taken, with its holder in why() and hint(). Destroying it without take() releases the
// reserved ports.
class PortReservation {
 public:
  using Next = SteppedWork::Next;
  explicit PortReservation(std::vector<PortRequest> requests, PortOwnerLookup owner = {}, HostSockets outside = {});
  PortReservation(PortReservation&&) noexcept;
  PortReservation& operator=(PortReservation&&) noexcept;
  ~PortReservation();

  Result<Next> step();
  std::size_t reserved() const;      // so far, in the order of the requests
  std::vector<ReservedPort> take();  // after step() has finished

 private:
  struct State;
  std::unique_ptr<State> state_;
};
// Reserves a port of one address that was published before. Does not try other ports or look for the holder.
Result<ReservedPort> reserve_again(const Address& address, std::uint16_t port, const PortRequest& request);
// Performs all steps for one port.
Result<ReservedPort> reserve_port(const PortRequest& request, const PortOwnerLookup& owner = {});

struct PortHolder {
  pid_t pid = 0;     // 0: not visible; only the connection is known
  std::string name;  // comm
  enum class By : std::uint8_t {
    name,
    connection
  } by = By::name;  // listens on the port, or has an outgoing connection from it
};
// Searches /proc for the process that holds a local port, a few processes per step, because a host may have thousands.
class PortHolderSearch {
 public:
  using Next = SteppedWork::Next;
  PortHolderSearch(Protocol protocol, std::uint16_t port);
  explicit PortHolderSearch(PortHolder known) : found_(std::move(known)) {}
  Next step();
  const std::optional<PortHolder>& found() const { return found_; }  // nullopt: not visible

 private:
  bool has_open(const std::string& process) const;
  PortHolder::By by_ = PortHolder::By::name;
  std::set<std::string> sockets_;  // "socket:[INODE]"
  std::vector<pid_t> processes_;   // still to be checked
  std::optional<PortHolder> found_;
};
// Performs all steps at once.
std::optional<PortHolder> find_port_holder(Protocol protocol, std::uint16_t port);

// An active connection of the relay, as handed over to the successor of this process. All its state is in the kernel:
// the two sockets, and a pipe per direction with the bytes that were read from one and not yet written to the other.
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
// Keeps connections for a successor. Called from the loop.
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
    ConnectionKeeper* keeper = nullptr;  // must live until unpublish(); without one, connections end with this process
    std::vector<KeptConnection> inherited;  // connections to continue
    // Whether a dead predecessor may have redirected these ports in the firewall, with unknown settings.
    enum class Predecessor : std::uint8_t { none, possible } predecessor = Predecessor::none;
    // Selects the sockets to publish; if empty, all of them.
    std::function<bool(std::size_t port, std::size_t socket)> includes;
  };
  // Starts redirecting and relaying, for all ports or none; an Error names the port. The descriptors in `ports` are
  // borrowed until unpublish(); a supervisor that takes over passes those that the keeper kept. Publishing a port again
  // is harmless. `done` is called once, from the loop, unless unpublish() is called first.
  virtual Id publish(Publication publication, Done done) = 0;
  // Accepts no new connections, closes active ones and removes the redirections. An unknown container is not an error.
  // The sockets stay open.
  virtual Result<> unpublish(Id id) = 0;
  // Replaces the openings at this address; an empty list removes them. They persist when this process ends.
  virtual Result<> open(const Openings& openings) = 0;
  // Restores the redirections and openings of published ports after another program has flushed the firewall.
  virtual Result<> put_back() = 0;
  // Removes redirections of these ports that a dead publisher may have left. The caller holds the ports, so the
  // redirections belong to no one else. Missing ones are not an error.
  virtual Result<> take_back(std::span<const ReservedPort> ports, const PortTarget& target) = 0;
  // The same for ports that another process may hold by now, whose own redirections are kept. Only the addresses of the
  // sockets are used.
  virtual Result<> disown(std::span<const ReservedPort> ports, const PortTarget& target) = 0;
};

}  // namespace consort
