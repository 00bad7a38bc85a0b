// Converts between our addresses and the kernel's.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "network/address.hpp"

namespace consort {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  SocketAddress() = default;
  SocketAddress(const Address& address, std::uint16_t port);

  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
  Address address() const;  // 0.0.0.0 for other families
  std::uint16_t port() const;
};

}  // namespace consort
