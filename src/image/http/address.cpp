#include "image/http/address.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/strings.hpp"

namespace consort::image {

namespace {

struct Address {
  int family = 0;
  std::array<std::uint8_t, 16> bytes{};
  friend bool operator==(const Address&, const Address&) = default;
};

std::optional<Address> parse_address(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string text(host);
  Address address;
  for (const int family : {AF_INET, AF_INET6}) {
    address.family = family;
    if (::inet_pton(family, text.c_str(), address.bytes.data()) == 1) return address;
  }
  return std::nullopt;
}

}  // namespace

HostPort split_host_port(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return {std::string(text), ""};
    const std::string_view rest = text.substr(end + 1);
    return {std::string(text.substr(1, end - 1)), std::string(rest.starts_with(':') ? rest.substr(1) : "")};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos)
    return {std::string(text), ""};  // several colons: IPv6 without brackets
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

bool is_address(std::string_view host) {
  return parse_address(host).has_value();
}

bool same_address(std::string_view a, std::string_view b) {
  const auto first = parse_address(a);
  return first && first == parse_address(b);
}

bool is_loopback_host(std::string_view host) {
  const HostPort parts = split_host_port(host);
  if (to_lower(parts.host) == "localhost") return true;
  const auto address = parse_address(parts.host);
  if (!address) return false;
  if (address->family == AF_INET) return address->bytes[0] == 127;
  return same_address(parts.host, "::1");
}

std::optional<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = parse_address(text.substr(0, slash));
  const auto bits = parse_unsigned(text.substr(slash + 1));
  if (!address || !bits || *bits > (address->family == AF_INET ? 32U : 128U)) return std::nullopt;
  Network network;
  network.bytes_ = address->bytes;
  network.family_ = address->family;
  network.bits_ = static_cast<unsigned>(*bits);
  return network;
}

bool Network::contains(std::string_view host) const {
  const auto address = parse_address(host);
  if (!address || address->family != family_) return false;
  for (unsigned bit = 0; bit < bits_; ++bit) {
    const std::uint8_t mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    if ((address->bytes[bit / 8] & mask) != (bytes_[bit / 8] & mask)) return false;
  }
  return true;
}

}  // namespace consort::image
