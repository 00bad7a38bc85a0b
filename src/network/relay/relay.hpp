// Forwarding in this process, for what the kernel's redirection does not reach: loopback, and IPv6 clients of
// containers without IPv6. One object serves one socket until it is destroyed, which ends its connections.
#pragma once

#include <cstdint>
#include <memory>

#include "base/os/event_loop.hpp"
#include "network/address.hpp"

namespace consort {

struct RelayTarget {
  Address address;
  std::uint16_t port = 0;
};

class Relay {
 public:
  virtual ~Relay() = default;
};

// The process must ignore SIGPIPE, which splice raises for a socket whose peer has gone.
//
// Bytes are moved by splice and never copied here. Half-closed connections stay half-closed.
Result<std::unique_ptr<Relay>> relay_tcp(EventLoop& loop, int listener, RelayTarget target);
// A flow lives as long as datagrams pass, and a minute and a half longer.
Result<std::unique_ptr<Relay>> relay_udp(EventLoop& loop, int socket, RelayTarget target);

}  // namespace consort
