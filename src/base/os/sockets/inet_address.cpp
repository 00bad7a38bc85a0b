#include "base/os/sockets/inet_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace consort {

std::optional<InetAddress> inet_address(const std::string& text, std::uint16_t port) {
  InetAddress made;
  auto& four = reinterpret_cast<sockaddr_in&>(made.storage);
  auto& six = reinterpret_cast<sockaddr_in6&>(made.storage);
  if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    made.size = sizeof four;
    return made;
  }
  made = {};
  if (::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) != 1) return std::nullopt;
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  made.size = sizeof six;
  return made;
}

std::string inet_text(const std::string& address, std::uint16_t port) {
  return (address.contains(':') ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace consort
