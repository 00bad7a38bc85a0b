// IPv4 and IPv6 addresses and subnets as values that are parsed once and are always valid.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort {

enum class Family : std::uint8_t { v4, v6 };

// An IPv4 or IPv6 address without a zone. Ordered by family, then by value.
class Address {
 public:
  static constexpr std::size_t max_size = 16;

  Address() = default;  // 0.0.0.0
  static Address from_bytes(Family family, const void* bytes);
  static Address any(Family family);
  static Address loopback(Family family);
  // Accepts "10.0.0.1", "fd00::1"; nullopt for anything else, including brackets, zones, leading zeros and prefixes.
  static std::optional<Address> parse(std::string_view text);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::v4; }
  int domain() const { return is_v4() ? AF_INET : AF_INET6; }
  std::size_t size() const { return is_v4() ? 4 : 16; }  // bytes
  unsigned bits() const { return is_v4() ? 32 : 128; }
  const std::uint8_t* data() const { return bytes_.data(); }  // network order
  bool is_any() const;
  bool is_loopback() const;
  std::string to_string() const;

  // This address plus n, wrapping around at the end of the family.
  Address plus(std::uint64_t n) const;

  auto operator<=>(const Address&) const = default;

 private:
  friend class Subnet;
  Family family_ = Family::v4;
  std::array<std::uint8_t, max_size> bytes_{};  // IPv4 uses the first four
};

// A network. The host bits of its base are zero.
class Subnet {
 public:
  Subnet() = default;
  Subnet(const Address& inside, unsigned prefix);  // clears the host bits; limits prefix to the family's width
  // Parses "172.18.0.0/16". Clears host bits that are set, as Docker does.
  static std::optional<Subnet> parse(std::string_view text);

  const Address& base() const { return base_; }
  unsigned prefix() const { return prefix_; }
  Family family() const { return base_.family(); }
  Address last() const;  // all host bits set; for IPv4 the broadcast address
  bool contains(const Address& address) const;
  bool contains(const Subnet& other) const;
  bool overlaps(const Subnet& other) const;
  std::string to_string() const;

  auto operator<=>(const Subnet&) const = default;

 private:
  Address base_;
  unsigned prefix_ = 0;
};

// An address with prefix length, as assigned to an interface: "172.18.0.2/16".
struct InterfaceAddress {
  Address address;
  unsigned prefix = 0;

  static std::optional<InterfaceAddress> parse(std::string_view text);
  Subnet subnet() const { return Subnet(address, prefix); }
  std::string to_string() const;
  auto operator<=>(const InterfaceAddress&) const = default;
};

class MacAddress {
 public:
  MacAddress() = default;
  static std::optional<MacAddress> parse(std::string_view text);  // "02:42:ac:12:00:02", also with '-'
  static Result<MacAddress> random();                             // locally administered, unicast
  // 02:42 followed by the IPv4 address or the last four bytes of the IPv6 address. The same address always has the same
  // MAC, so ARP caches stay valid when a container takes over the address of a removed one.
  static MacAddress of(const Address& address);

  const std::array<std::uint8_t, 6>& bytes() const { return bytes_; }
  std::string to_string() const;
  auto operator<=>(const MacAddress&) const = default;

 private:
  std::array<std::uint8_t, 6> bytes_{};
};

}  // namespace consort
