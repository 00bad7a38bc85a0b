// IP addresses and ports as text and as socket addresses.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

namespace consort {

struct InetAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// "127.0.0.1" or "::1"; nullopt if the text is not a numeric address.
std::optional<InetAddress> inet_address(const std::string& text, std::uint16_t port);
// "127.0.0.1:80" or "[::1]:80".
std::string inet_text(const std::string& address, std::uint16_t port);

}  // namespace consort
