#include "network/pools.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace consort {

namespace {

bool is_free(const Subnet& candidate, std::span<const Subnet> used) {
  return std::none_of(used.begin(), used.end(), [&](const Subnet& other) { return other.overlaps(candidate); });
}

Subnet subnet_v4(unsigned a, unsigned b, unsigned c, unsigned prefix) {
  const std::uint8_t bytes[4] = {static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b),
                                 static_cast<std::uint8_t>(c), 0};
  return Subnet(Address::from_bytes(Family::v4, bytes), prefix);
}

// In Docker's words, so that users find the same text in Docker's documentation.
std::string taken_message() {
  return "Pool overlaps with other one on this address space";
}

}  // namespace

Result<Subnet> choose_subnet(std::span<const Subnet> used, PoolUse use) {
  for (unsigned second = use == PoolUse::default_bridge ? 17 : 18; second <= 31; ++second) {
    const Subnet candidate = subnet_v4(172, second, 0, 16);
    if (is_free(candidate, used)) return candidate;
  }
  for (unsigned third = 0; third < 256; third += 16) {
    const Subnet candidate = subnet_v4(192, 168, third, 20);
    if (is_free(candidate, used)) return candidate;
  }
  return fail(Error(Code::conflict, "choose a subnet")
                  .why("all predefined address pools have been fully subnetted")
                  .hint("remove networks that are no longer needed, or give the network a subnet of its own "
                        "(ipam: {config: [{subnet: ...}]})"));
}

Result<Subnet> choose_ula_subnet(std::span<const Subnet> used, std::string_view seed) {
  // The hash only spreads networks out; the comparison with `used` detects collisions, and the next subnet ID is taken.
  std::uint64_t hash = 14695981039346656037ull;
  for (const char c : seed) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1099511628211ull;
  std::uint8_t bytes[16] = {0xfd};
  for (int i = 0; i < 5; ++i) bytes[1 + i] = static_cast<std::uint8_t>(hash >> (8 * i));
  for (unsigned id = 0; id < 0x10000; ++id) {
    bytes[6] = static_cast<std::uint8_t>(id >> 8);
    bytes[7] = static_cast<std::uint8_t>(id);
    const Subnet candidate(Address::from_bytes(Family::v6, bytes), 64);
    if (is_free(candidate, used)) return candidate;
  }
  return fail(Error(Code::conflict, "choose an IPv6 subnet").why("all unique local subnets are in use"));
}

Result<> check_subnet(const Subnet& wanted, std::span<const Subnet> used) {
  for (const Subnet& other : used) {
    if (!other.overlaps(wanted)) continue;
    return fail(Error(Code::conflict, "invalid pool request")
                    .why(taken_message())
                    .hint(wanted.to_string() + " overlaps " + other.to_string() +
                          ", which another network or a route of this host uses"));
  }
  return {};
}

Address default_gateway(const Subnet& subnet) {
  return subnet.base().plus(1);
}

namespace {

bool may_be_given(const AddressRequest& request, const Address& address) {
  if (address == request.subnet.base()) return false;
  // A /31 or /32 has no broadcast address; IPv6 never has one.
  const bool has_broadcast = address.is_v4() && request.subnet.prefix() < 31;
  return !(has_broadcast && address == request.subnet.last());
}

}  // namespace

Result<Address> choose_address(const AddressRequest& request) {
  const Subnet range = request.ip_range.value_or(request.subnet);
  std::set<Address> taken(request.reserved.begin(), request.reserved.end());
  if (request.gateway) taken.insert(*request.gateway);
  // Ends after at most |taken| + 3 steps or at the range's end, whichever comes first.
  for (Address address = range.base(); range.contains(address); address = address.plus(1)) {
    if (may_be_given(request, address) && !taken.contains(address)) return address;
    if (address == range.last()) break;
  }
  return fail(Error(Code::conflict, "choose an address")
                  .on("in " + range.to_string())
                  .why("no available IPv" + std::string(range.family() == Family::v4 ? "4" : "6") +
                       " addresses on this network's address pools"));
}

Result<> check_address(const AddressRequest& request, const Address& wanted) {
  if (!request.subnet.contains(wanted) || !may_be_given(request, wanted))
    return fail(Error(Code::invalid, "invalid config for network")
                    .why("no configured subnet or ip-range contain the IP address " + wanted.to_string()));
  const bool taken = std::find(request.reserved.begin(), request.reserved.end(), wanted) != request.reserved.end();
  if (taken || wanted == request.gateway)
    return fail(Error(Code::conflict, "Address already in use").on(wanted.to_string()));
  return {};
}

}  // namespace consort
