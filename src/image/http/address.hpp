// Hosts in the notations that users write: "host", "host:5000", "[::1]:5000", "10.0.0.0/8".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace consort::image {

struct HostPort {
  std::string host;  // IPv6 addresses without brackets
  std::string port;  // "" if there is none
};
HostPort split_host_port(std::string_view text);

bool is_address(std::string_view host);  // IPv4 or IPv6, with or without brackets
bool same_address(std::string_view a, std::string_view b);

// 127.0.0.0/8, ::1 and localhost, with any port: plain HTTP is allowed there, as in Docker. The host is parsed, not
// compared by prefix: anybody can own 127.example.com.
bool is_loopback_host(std::string_view host);

class Network {
 public:
  static std::optional<Network> parse(std::string_view text);  // "10.0.0.0/8", "fd00::/8"
  bool contains(std::string_view host) const;                  // false for names

 private:
  std::array<std::uint8_t, 16> bytes_{};
  int family_ = 0;
  unsigned bits_ = 0;
};

}  // namespace consort::image
