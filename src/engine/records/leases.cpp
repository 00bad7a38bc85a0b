#include "engine/records/leases.hpp"

#include <algorithm>

#include "network/pools.hpp"

namespace consort::engine {

namespace {

struct Pool {
  Subnet subnet;
  std::optional<Subnet> range;
  std::optional<Address> gateway;
  std::vector<Address> aux;
};

std::optional<Pool> find_pool(const Network& network, Family family) {
  for (const AddressPool& text : network.spec.pools) {
    const auto subnet = Subnet::parse(text.subnet);
    if (!subnet || subnet->family() != family) continue;
    Pool pool{.subnet = *subnet, .range = Subnet::parse(text.ip_range), .gateway = Address::parse(text.gateway)};
    for (const auto& [name, address] : text.aux_addresses)
      if (const auto parsed = Address::parse(address)) pool.aux.push_back(*parsed);
    return pool;
  }
  return std::nullopt;
}

// One address family of one endpoint.
class Choice {
 public:
  Choice(const LeaseInput& input, const EndpointRecord& own, Family family)
      : input_(input), own_(own), family_(family) {}

  Result<std::string> choose(const Pool& pool) {
    const std::string wanted = family_ == Family::v4 ? own_.spec.ipv4 : own_.spec.ipv6;
    const std::string& held = lease_of(own_);
    if (!wanted.empty()) {
      const auto address = Address::parse(wanted);
      if (!address) return fail(Error(Code::invalid, "invalid address: " + wanted));
      Result<> free = check_address(request(pool, Reserve::all), *address);
      if (!free && free.error().code() == Code::conflict)
        free = check_address(request(pool, Reserve::running), *address);
      if (!free) return std::unexpected(std::move(free).error());
      return wanted;
    }
    if (const auto before = Address::parse(held); before && check_address(request(pool, Reserve::all), *before))
      return held;
    Result<Address> free = choose_address(request(pool, Reserve::all));
    if (!free && free.error().code() == Code::conflict) free = choose_address(request(pool, Reserve::running));
    if (!free) return std::unexpected(std::move(free).error());
    return free->to_string();
  }

 private:
  enum class Reserve { all, running };  // whose leases count

  const std::string& lease_of(const EndpointRecord& endpoint) const {
    return family_ == Family::v4 ? endpoint.ipv4 : endpoint.ipv6;
  }

  AddressRequest request(const Pool& pool, Reserve reserve) {
    reserved_ = pool.aux;
    for (const EndpointRecord& other : input_.neighbours) {
      if (other.network_id != own_.network_id || other.container_id == own_.container_id) continue;
      const bool counts = reserve == Reserve::all || input_.holder_runs(other);
      if (const auto lease = Address::parse(lease_of(other)); lease && counts) reserved_.push_back(*lease);
      // An address that somebody has written in a file is left to them as long as there are others.
      const std::string& fixed = family_ == Family::v4 ? other.spec.ipv4 : other.spec.ipv6;
      const bool asked_by_us = family_ == Family::v4 ? !own_.spec.ipv4.empty() : !own_.spec.ipv6.empty();
      if (const auto address = Address::parse(fixed); address && reserve == Reserve::all && !asked_by_us)
        reserved_.push_back(*address);
    }
    return {.subnet = pool.subnet, .ip_range = pool.range, .gateway = pool.gateway, .reserved = reserved_};
  }

  const LeaseInput& input_;
  const EndpointRecord& own_;
  Family family_;
  std::vector<Address> reserved_;
};

}  // namespace

Result<std::vector<Records::Lease>> choose_leases(const LeaseInput& input) {
  std::vector<Records::Lease> leases;
  for (const EndpointRecord& own : input.own) {
    const auto network = std::ranges::find(input.networks, own.network_id, &Network::id);
    if (network == input.networks.end())
      return fail(Error(Code::not_found, "network " + own.network_id + " not found"));
    // The row as it is inside the transaction: its lease may have gone since `own` was read.
    const auto fresh = std::ranges::find_if(input.neighbours, [&](const EndpointRecord& row) {
      return row.network_id == own.network_id && row.container_id == own.container_id;
    });
    const EndpointRecord& endpoint = fresh == input.neighbours.end() ? own : *fresh;
    Records::Lease lease{.network_id = own.network_id, .ipv4 = {}, .ipv6 = {}};
    if (const auto pool = find_pool(*network, Family::v4))
      lease.ipv4 =
          TRY_WRAP(Choice(input, endpoint, Family::v4).choose(*pool), "address on network", network->spec.name);
    if (const auto pool = find_pool(*network, Family::v6))
      lease.ipv6 =
          TRY_WRAP(Choice(input, endpoint, Family::v6).choose(*pool), "address on network", network->spec.name);
    leases.push_back(std::move(lease));
  }
  return leases;
}

std::string why_not_addresses(const EndpointSpec& endpoint, const Network& network) {
  if (endpoint.ipv4.empty() && endpoint.ipv6.empty()) return "";
  if (network.spec.chosen_pools)
    return "user specified IP address is supported only when connecting to networks with user configured subnets";
  for (const std::string* text : {&endpoint.ipv4, &endpoint.ipv6}) {
    if (text->empty()) continue;
    const auto address = Address::parse(*text);
    if (address && address->family() == Family::v6 && !network.spec.enable_ipv6) continue;  // nobody gets it
    const bool inside = address && std::ranges::any_of(network.spec.pools, [&](const AddressPool& pool) {
                          const auto subnet = Subnet::parse(pool.subnet);
                          return subnet && subnet->contains(*address);
                        });
    if (!inside) return "no configured subnet or ip-range contain the IP address " + *text;
  }
  return "";
}

Result<> check_endpoint(const EndpointSpec& endpoint, const Network& network) {
  const std::string why = why_not_addresses(endpoint, network);
  if (why.empty()) return {};
  return fail(
      Error(Code::invalid, "invalid config for network " + network.spec.name + ": invalid endpoint settings:\n" + why)
          .about(Subject::setting, "networks/" + network.spec.name));
}

Gateways gateways_of(const Network& network) {
  Gateways gateways;
  for (const AddressPool& pool : network.spec.pools) {
    const auto subnet = Subnet::parse(pool.subnet);
    if (!subnet) continue;
    const bool v4 = subnet->family() == Family::v4;
    unsigned& prefix = v4 ? gateways.prefix4 : gateways.prefix6;
    if (prefix != 0) continue;
    (v4 ? gateways.ipv4 : gateways.ipv6) = pool.gateway;
    prefix = subnet->prefix();
  }
  return gateways;
}

}  // namespace consort::engine
