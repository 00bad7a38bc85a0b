#include "network/link/socket_address.hpp"

#include <cstring>

namespace consort {

SocketAddress::SocketAddress(const Address& address, std::uint16_t port) {
  if (address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.data(), address.size());
    size = sizeof v4;
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.data(), address.size());
    size = sizeof v6;
  }
}

Address SocketAddress::address() const {
  if (storage.ss_family == AF_INET)
    return Address::from_bytes(Family::v4, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr);
  if (storage.ss_family == AF_INET6)
    return Address::from_bytes(Family::v6, &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr);
  return {};
}

std::uint16_t SocketAddress::port() const {
  // The port is at the same offset in both structures.
  return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

}  // namespace consort
