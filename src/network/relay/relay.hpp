// Forwards connections in this process where the kernel's redirection does not apply: loopback, and IPv6 clients of
// containers without IPv6. One object serves one socket; destroying it ends its connections.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/os/loop/event_loop.hpp"
#include "network/address.hpp"
#include "network/fair_share.hpp"
#include "network/ports.hpp"

namespace consort {

struct RelayTarget {
  Address address;
  std::uint16_t port = 0;
  // Who the container sees as its peer: our address in its network, or the client's, where it can be had.
  enum class Name : std::uint8_t { own, client } name = Name::own;
};

class Relay {
 public:
  virtual ~Relay() = default;
};

// The limits that all relays of this process share for their clients, each identified by its address. Programs of the
// host, which use a loopback address, are trusted; containers reach relays through their gateway.
class RelayBudget {
 public:
  // Derived from this process's limit of descriptors: a connection takes six, a flow one.
  static RelayBudget of_this_process();
  RelayBudget(std::size_t connections, std::size_t flows) : connections_(connections), flows_(flows) {}

  bool take_connection(const Address& client) { return client.is_loopback() || connections_.take(client); }
  void give_back_connection(const Address& client) { connections_.give_back(client); }
  bool take_flow(const Address& client) { return client.is_loopback() || flows_.take(client); }
  void give_back_flow(const Address& client) { flows_.give_back(client); }

 private:
  FairShare<Address> connections_, flows_;
};

// Where connections are kept for a successor; without a keeper they end with this process.
struct RelayKeeping {
  ConnectionKeeper* keeper = nullptr;
  std::size_t port = 0, socket = 0;  // identify the relay
};

// The process must ignore SIGPIPE, which splice raises for a socket whose peer is gone.
//
// Bytes are moved by splice and never copied here. Half-closed connections stay half-closed. If one side is reset, the
// other receives what was sent before, then the reset.
Result<std::unique_ptr<Relay>> relay_tcp(EventLoop& loop, int listener, RelayTarget target, RelayBudget& budget,
                                         RelayKeeping keeping = {}, std::vector<KeptConnection> inherited = {});
// A flow lives while datagrams pass, and a minute and a half longer.
Result<std::unique_ptr<Relay>> relay_udp(EventLoop& loop, int socket, RelayTarget target, RelayBudget& budget);

}  // namespace consort
