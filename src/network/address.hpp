// Addresses and subnets of both families as values: parsed once, then never checked again.
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

// An IPv4 or IPv6 address without zone. Ordered by family, then by value.
class Address {
 public:
  static constexpr std::size_t max_size = 16;

  Address() = default;  // 0.0.0.0
  static Address from_bytes(Family family, const void* bytes);
  static Address any(Family family);
  static Address loopback(Family family);
  // "10.0.0.1", "fd00::1"; brackets, zones, leading zeros and prefixes are refused. nullopt for anything else.
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

  // This address plus n, wrapping round at the end of the family.
  Address plus(std::uint64_t n) const;

  auto operator<=>(const Address&) const = default;

 private:
  friend class Subnet;
  Family family_ = Family::v4;
  std::array<std::uint8_t, max_size> bytes_{};  // IPv4 in the first four
};

// A network: the host bits of its base are zero.
class Subnet {
 public:
  Subnet() = default;
  Subnet(const Address& inside, unsigned prefix);  // clears the host bits; prefix is cut to the family's width
  // "172.18.0.0/16". Host bits that are set are cleared, as Docker does.
  static std::optional<Subnet> parse(std::string_view text);

  const Address& base() const { return base_; }
  unsigned prefix() const { return prefix_; }
  Family family() const { return base_.family(); }
  Address last() const;  // all host bits set; the broadcast address of IPv4
  bool contains(const Address& address) const;
  bool contains(const Subnet& other) const;
  bool overlaps(const Subnet& other) const;
  std::string to_string() const;

  auto operator<=>(const Subnet&) const = default;

 private:
  Address base_;
  unsigned prefix_ = 0;
};

// An address as an interface carries it: "172.18.0.2/16".
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
  // 02:42 and the address: the same address always has the same MAC, so nobody's ARP cache turns stale when a
  // container takes over the address of one that has gone. IPv6: the last four bytes.
  static MacAddress of(const Address& address);

  const std::array<std::uint8_t, 6>& bytes() const { return bytes_; }
  std::string to_string() const;
  auto operator<=>(const MacAddress&) const = default;

 private:
  std::array<std::uint8_t, 6> bytes_{};
};

}  // namespace consort
