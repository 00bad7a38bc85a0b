// Hosts as people write them: "host", "host:5000", "[::1]:5000", "10.0.0.0/8".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace consort::image {

struct HostPort {
  std::string host;  // of an IPv6 address without its brackets
  std::string port;  // "" if there is none
};
HostPort split_host_port(std::string_view text);

bool is_address(std::string_view host);  // IPv4 or IPv6, with brackets or without
bool same_address(std::string_view a, std::string_view b);

// 127.0.0.0/8, ::1 and localhost, with any port: plain HTTP is allowed there, as in Docker. By what the text is, not by
// how it begins: 127.example.com is anybody's.
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
