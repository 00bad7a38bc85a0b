#include "network/address.hpp"

#include <arpa/inet.h>
#include <sys/random.h>

#include <algorithm>
#include <cstring>

#include "base/strings.hpp"

namespace consort {

Address Address::from_bytes(Family family, const void* bytes) {
  Address address;
  address.family_ = family;
  std::memcpy(address.bytes_.data(), bytes, address.size());
  return address;
}

Address Address::any(Family family) {
  Address address;
  address.family_ = family;
  return address;
}

Address Address::loopback(Family family) {
  Address address = any(family);
  if (family == Family::v4) address.bytes_[0] = 127;
  address.bytes_[address.size() - 1] = 1;
  return address;
}

std::optional<Address> Address::parse(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  const Family family = copy.find(':') == std::string::npos ? Family::v4 : Family::v6;
  Address address = any(family);
  if (::inet_pton(address.domain(), copy.c_str(), address.bytes_.data()) != 1) return std::nullopt;
  return address;
}

bool Address::is_any() const {
  return *this == any(family_);
}

bool Address::is_loopback() const {
  return is_v4() ? bytes_[0] == 127 : *this == loopback(Family::v6);
}

std::string Address::to_string() const {
  char text[INET6_ADDRSTRLEN];
  return ::inet_ntop(domain(), bytes_.data(), text, sizeof text);
}

Address Address::plus(std::uint64_t n) const {
  Address sum = *this;
  std::uint64_t carry = n;
  for (std::size_t i = size(); i-- > 0 && carry != 0;) {
    carry += sum.bytes_[i];
    sum.bytes_[i] = static_cast<std::uint8_t>(carry & 0xff);
    carry >>= 8;
  }
  return sum;
}

Subnet::Subnet(const Address& inside, unsigned prefix) : base_(inside), prefix_(std::min(prefix, inside.bits())) {
  for (unsigned bit = prefix_; bit < base_.bits(); ++bit)
    base_.bytes_[bit / 8] = static_cast<std::uint8_t>(base_.bytes_[bit / 8] & ~(0x80u >> (bit % 8)));
}

std::optional<Subnet> Subnet::parse(std::string_view text) {
  const auto parsed = InterfaceAddress::parse(text);
  if (!parsed) return std::nullopt;
  return parsed->subnet();
}

Address Subnet::last() const {
  Address address = base_;
  for (unsigned bit = prefix_; bit < base_.bits(); ++bit)
    address.bytes_[bit / 8] = static_cast<std::uint8_t>(address.bytes_[bit / 8] | (0x80u >> (bit % 8)));
  return address;
}

bool Subnet::contains(const Address& address) const {
  return address.family() == family() && Subnet(address, prefix_).base_ == base_;
}

bool Subnet::contains(const Subnet& other) const {
  return other.prefix_ >= prefix_ && contains(other.base_);
}

bool Subnet::overlaps(const Subnet& other) const {
  return contains(other) || other.contains(*this);
}

std::string Subnet::to_string() const {
  return base_.to_string() + "/" + std::to_string(prefix_);
}

std::optional<InterfaceAddress> InterfaceAddress::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = Address::parse(text.substr(0, slash));
  const auto prefix = parse_unsigned(text.substr(slash + 1));
  if (!address || !prefix || *prefix > address->bits()) return std::nullopt;
  return InterfaceAddress{*address, static_cast<unsigned>(*prefix)};
}

std::string InterfaceAddress::to_string() const {
  return address.to_string() + "/" + std::to_string(prefix);
}

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
  if (text.size() != 17 || (text[2] != ':' && text[2] != '-')) return std::nullopt;
  MacAddress mac;
  for (std::size_t i = 0; i < 6; ++i) {
    const std::string_view pair = text.substr(i * 3, 2);
    if (!is_hex(to_lower(pair)) || (i < 5 && text[i * 3 + 2] != text[2])) return std::nullopt;
    mac.bytes_[i] = static_cast<std::uint8_t>(std::stoi(std::string(pair), nullptr, 16));
  }
  return mac;
}

Result<MacAddress> MacAddress::random() {
  MacAddress mac;
  if (::getrandom(mac.bytes_.data(), mac.bytes_.size(), 0) != 6) return fail_errno("get random bytes");
  mac.bytes_[0] = static_cast<std::uint8_t>((mac.bytes_[0] | 0x02u) & 0xfeu);
  return mac;
}

MacAddress MacAddress::of(const Address& address) {
  MacAddress mac;
  mac.bytes_[0] = 0x02;
  mac.bytes_[1] = 0x42;
  std::memcpy(&mac.bytes_[2], address.data() + address.size() - 4, 4);
  return mac;
}

std::string MacAddress::to_string() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes_) {
    if (!text.empty()) text += ':';
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace consort
