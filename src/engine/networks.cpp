#include <net/if.h>

#include <algorithm>
#include <map>

#include "base/go_bool.hpp"
#include "base/narrow.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "engine/checks/network_options.hpp"
#include "engine/engine_impl.hpp"
#include "engine/records/leases.hpp"
#include "network/bridge.hpp"
#include "network/pools.hpp"
#include "network/sandbox.hpp"

namespace consort::engine {

namespace {

std::vector<Subnet> subnets_of(const std::vector<Network>& networks) {
  std::vector<Subnet> subnets;
  for (const Network& network : networks)
    for (const AddressPool& pool : network.spec.pools)
      if (const auto subnet = Subnet::parse(pool.subnet)) subnets.push_back(*subnet);
  return subnets;
}

std::unexpected<Error> ipam(std::string why) {
  return fail(Error(Code::invalid, std::move(why)).about(Subject::setting, "ipam/config"));
}

// "": there is none; a container may have that address.
std::string gateway_in(const Subnet& subnet, const NetworkSpec& spec) {
  const bool none = gateway_mode(spec, subnet.family()) == GatewayMode::isolated || (face_of(spec) && spec.internal);
  return none ? "" : default_gateway(subnet).to_string();
}

// A pool that the user wrote: checked, host bits cleared, gateway filled in.
Result<Subnet> complete_pool(AddressPool& pool, const NetworkSpec& spec) {
  const auto subnet = Subnet::parse(pool.subnet);
  if (!subnet) return ipam("invalid subnet " + pool.subnet + ": invalid CIDR block notation");
  pool.subnet = subnet->to_string();
  const auto check = [&](const char* what, const std::string& text) -> Result<> {
    const auto address = Address::parse(text);
    if (!address || !subnet->contains(*address))
      return ipam(std::string("invalid ") + what + " " + text + ": parent subnet " + pool.subnet +
                  " doesn't contain this address");
    return {};
  };
  if (pool.gateway.empty()) pool.gateway = gateway_in(*subnet, spec);
  if (!pool.gateway.empty()) TRY(check("gateway address", pool.gateway));
  for (const auto& [name, address] : pool.aux_addresses) TRY(check("auxiliary address", address));
  if (!pool.ip_range.empty()) {
    const auto range = Subnet::parse(pool.ip_range);
    if (!range || !subnet->contains(*range))
      return ipam("invalid ip-range " + pool.ip_range + ": parent subnet " + pool.subnet +
                  " doesn't contain this range");
  }
  return *subnet;
}

AddressPool pool_of(const Subnet& subnet, const NetworkSpec& spec) {
  return {.subnet = subnet.to_string(), .ip_range = {}, .gateway = gateway_in(subnet, spec), .aux_addresses = {}};
}

// `outside`: subnets of the host, if the network itself is created in another network namespace.
Result<> choose_pools(Network& network, const std::vector<Network>& others, const std::vector<Subnet>& outside) {
  NetworkSpec& spec = network.spec;
  std::vector<Subnet> used = subnets_of(others);
  bool has_v4 = false, has_v6 = false;
  spec.chosen_pools = spec.pools.empty();
  // A subnet of a family that the network does not have is not used for addresses.
  std::erase_if(spec.pools, [&](const AddressPool& pool) {
    const auto subnet = Subnet::parse(pool.subnet);
    return subnet && !(subnet->family() == Family::v4 ? spec.enable_ipv4 : spec.enable_ipv6);
  });
  for (AddressPool& pool : spec.pools) {
    if (pool.subnet.empty()) continue;
    const Subnet subnet = TRY(complete_pool(pool, spec));
    TRY(check_subnet(subnet, used));
    used.push_back(subnet);
    (subnet.family() == Family::v4 ? has_v4 : has_v6) = true;
  }
  std::erase_if(spec.pools, [](const AddressPool& pool) { return pool.subnet.empty(); });
  if ((!has_v4 && spec.enable_ipv4) || (!has_v6 && spec.enable_ipv6)) {
    std::ranges::copy(TRY(host_subnets()), std::back_inserter(used));
    std::ranges::copy(outside, std::back_inserter(used));
  }
  if (!has_v4 && spec.enable_ipv4) {
    const PoolUse use = spec.name == default_network ? PoolUse::default_bridge : PoolUse::user_network;
    spec.pools.insert(spec.pools.begin(), pool_of(TRY(choose_subnet(used, use)), spec));
  }
  if (!has_v6 && spec.enable_ipv6) spec.pools.push_back(pool_of(TRY(choose_ula_subnet(used, network.id)), spec));
  return {};
}

Result<> choose_network(Network& network, const std::vector<Network>& others, const std::vector<Subnet>& outside) {
  const auto same = std::ranges::find(others, network.bridge, &Network::bridge);
  if (same != others.end() && !network.bridge.empty()) {
    return fail(Error(Code::conflict, "cannot create network " + network.spec.name + " (" + network.bridge +
                                          "): conflicts with network " + same->spec.name + " (" + same->bridge +
                                          "): networks have same bridge name"));
  }
  return choose_pools(network, others, outside);
}

// Another data root's default network may have the short name, or a network that somebody has named like that.
Result<> choose_default_network(Network& network, const std::vector<Network>& others,
                                const std::vector<Subnet>& outside) {
  network.bridge = std::string(default_bridge);
  if (::if_nametoindex(network.bridge.c_str()) != 0 || std::ranges::count(others, network.bridge, &Network::bridge) > 0)
    network.bridge = bridge_name(network.id);
  return choose_pools(network, others, outside);
}

DirectAccess direct_access(GatewayMode mode) {
  if (mode == GatewayMode::routed) return DirectAccess::published;
  return mode == GatewayMode::nat_unprotected ? DirectAccess::all : DirectAccess::none;
}

BridgeNetwork bridge_of(const Network& network, const std::string& owner) {
  BridgeNetwork bridge;
  bridge.owner = owner;
  bridge.network_id = network.id;
  bridge.name = network.spec.name;
  bridge.bridge = network.bridge;
  bridge.internal = network.spec.internal;
  bridge.masquerade = masquerades(network.spec);
  bridge.direct4 = direct_access(gateway_mode(network.spec, Family::v4));
  bridge.direct6 = direct_access(gateway_mode(network.spec, Family::v6));
  if (const auto mtu = parse_unsigned(network_option(network.spec, "driver.mtu")); mtu && *mtu)
    bridge.mtu = saturated<std::uint32_t>(*mtu);
  else if (const std::uint32_t outside = bridge.internal ? 0 : way_out_mtu())
    bridge.mtu = std::min(bridge.mtu, outside);
  for (const AddressPool& pool : network.spec.pools) {
    const auto subnet = Subnet::parse(pool.subnet);
    const auto gateway = Address::parse(pool.gateway);
    if (subnet && gateway)
      bridge.addresses.push_back({*subnet, *gateway, bridge_has_gateway(network.spec, subnet->family())});
  }
  return bridge;
}

// "eth0.10" is a VLAN's usual name.
std::string how_to_make(const std::string& parent) {
  const std::size_t dot = parent.rfind('.');
  const std::string below = parent.substr(0, dot);
  if (dot == std::string::npos || !parse_unsigned(parent.substr(dot + 1)) || ::if_nametoindex(below.c_str()) == 0)
    return "`ip link` lists the existing ones";
  return "create it: `ip link add link " + below + " name " + parent + " type vlan id " + parent.substr(dot + 1) +
         " && ip link set " + parent + " up`";
}

// It belongs to the host, and we do not create it.
Result<> check_parent(const FaceOf& face) {
  if (::if_nametoindex(face.parent.c_str()) != 0) return {};
  return fail(Error(Code::not_found, "-o parent interface was not found on the host: " + face.parent)
                  .hint(how_to_make(face.parent))
                  .about(Subject::setting, "driver_opts/parent"));
}

}  // namespace

std::optional<Network> built_in_network(const std::string& text) {
  for (const bool is_host : {true, false}) {
    Network network;
    network.spec.name = is_host ? "host" : "none";
    network.id = sha256_hex("consort/network/" + network.spec.name);  // the same on every machine
    network.spec.driver = is_host ? "host" : "null";
    if (text == network.id || text == network.spec.name) return network;
  }
  return std::nullopt;
}

Result<> Engine::Impl::ensure_bridge(const Network& network) const {
  if (const auto face = face_of(network.spec)) {
    if (place)
      return fail(Error(Code::unsupported,
                        "network " + network.spec.name + ": the driver " + network.spec.driver + " needs root")
                      .why("only root can use the interfaces of this host")
                      .hint("use the driver bridge, or run it with sudo")
                      .about(Subject::setting, "driver"));
    return check_parent(*face);
  }
  // It is gone after a reboot. Created again here, so that a start needs nothing else.
  const BridgeNetwork bridge = bridge_of(network, roots.data);
  return place.run([&]() -> Result<> {
    if (TRY(has_bridge(bridge))) return {};
    if (Result<> made = create_bridge(bridge); !made)
      return fail(std::move(made).error().wrap("create network", network.spec.name));
    return {};
  });
}

Result<Network> Engine::Impl::ensure_default_network() {
  Result<Network> there = records.find_network(default_network);
  if (there || there.error().code() != Code::not_found) return there;
  Network network;
  network.id = random_id();
  network.spec.name = default_network;
  network.spec.driver = "bridge";
  network.created_at = system_now();
  const std::vector<Subnet> outside = place ? TRY(host_subnets()) : std::vector<Subnet>();
  const auto choose = [&](Network& made, const std::vector<Network>& others) {
    return choose_default_network(made, others, outside);
  };
  there = place.run([&] { return records.add_network(std::move(network), choose); });
  // Another process created it first.
  if (!there && there.error().code() == Code::conflict) return records.find_network(default_network);
  return there;
}

Result<std::string> Engine::Impl::host_gateway() {
  // A user's bridges are not on the host's network: there the host has the address at which others see it.
  if (place)
    if (const std::string address = way_out_address(); !address.empty()) return address;
  const Network network = TRY(ensure_default_network());
  TRY(ensure_bridge(network));
  return gateways_of(network).ipv4;
}

Result<Network> Engine::create_network(const NetworkSpec& spec) {
  Network network;
  network.id = random_id();
  network.spec = spec;
  if (network.spec.driver.empty() || network.spec.driver == "default") network.spec.driver = "bridge";
  network.created_at = system_now();
  if (spec.name.empty() || built_in_network(spec.name) || spec.name == "default")
    return fail(Error(Code::invalid, "operation is not permitted on predefined " + spec.name + " network"));
  TRY(check_network_options(network.spec));
  const std::string wanted = network_option(network.spec, "bridge.name");
  if (!face_of(network.spec)) network.bridge = wanted.empty() ? bridge_name(network.id) : wanted;
  const Fd guard = TRY(impl_->guard_creations());
  const std::vector<Subnet> outside = impl_->place ? TRY(host_subnets()) : std::vector<Subnet>();
  const auto choose = [&](Network& made, const std::vector<Network>& others) {
    return choose_network(made, others, outside);
  };
  network = TRY(impl_->place.run([&] { return impl_->records.add_network(std::move(network), choose); }));
  if (Result<> made = impl_->ensure_bridge(network); !made) {
    Error error = std::move(made).error();
    const EngineEvent event{.time = system_now(),
                            .type = "network",
                            .action = "destroy",
                            .id = network.id,
                            .project = spec.project,
                            .attributes = {{"name", spec.name}, {"type", network.spec.driver}}};
    if (Result<> forgotten = impl_->records.forget_network(network.id, event); !forgotten)
      return fail(std::move(error).also(std::move(forgotten).error()));
    return fail(std::move(error));
  }
  return network;
}

Result<> Engine::remove_network(const std::string& id) {
  if (built_in_network(id) || id == default_network)
    return fail(Error(Code::denied, id + " is a pre-defined network and cannot be removed"));
  const Network network = TRY(impl_->records.find_network(id));
  std::string active;
  for (const Records::ActiveEndpoint& end : TRY(impl_->records.leases_of_network(network.id))) {
    if (!TRY(impl_->observe(end.project, end.container_id)).running()) continue;
    active += (active.empty() ? "" : ", ") + ("name:\"" + end.container_name) + "\" id:\"" +
              end.container_id.substr(0, 12) + "\"";
  }
  if (!active.empty()) {
    return fail(Error(Code::conflict, "error while removing network: network " + network.spec.name +
                                          " has active endpoints (" + active + ")"));
  }
  // The record first: a crash then leaves a bridge without a record, and sweep() finds those.
  TRY(impl_->records.forget_network(network.id,
                                    {.time = system_now(),
                                     .type = "network",
                                     .action = "destroy",
                                     .id = network.id,
                                     .project = network.spec.project,
                                     .attributes = {{"name", network.spec.name}, {"type", network.spec.driver}}}));
  if (!face_of(network.spec)) {
    const BridgeNetwork bridge = bridge_of(network, impl_->roots.data);
    if (Result<> removed = impl_->place.run([&] { return remove_bridge(bridge); }); !removed)
      return fail(std::move(removed).error().wrap("remove network", network.spec.name));
  }
  impl_->sweep_names();  // those that a killed supervisor has published on it
  return {};
}

Result<Network> Engine::inspect_network(const std::string& id) {
  if (std::optional<Network> known = built_in_network(id)) return std::move(*known);
  if (id == default_network) TRY(impl_->ensure_default_network());
  Network network = TRY(impl_->records.find_network(id));
  const auto ends = TRY(impl_->records.leases_of_network(network.id));
  std::map<std::string, Strings> by_project;  // each supervisor is asked once
  for (const Records::ActiveEndpoint& end : ends) by_project[end.project].push_back(end.container_id);
  std::map<std::string, supervisor::ObservedContainer> states;
  for (const auto& [project, ids] : by_project)
    states.merge(TRY(supervisor::observe(impl_->roots, project, ids, impl_->patience)));
  for (const Records::ActiveEndpoint& end : ends)
    if (const auto found = states.find(end.container_id); found != states.end() && found->second.running())
      network.container_ids.push_back(end.container_id);
  return network;
}

Result<std::vector<Network>> Engine::list_networks(const StringMap& labels) {
  std::vector<Network> networks = TRY(impl_->records.list_networks());
  std::erase_if(networks, [&](const Network& network) { return !matches_labels(network.spec.labels, labels); });
  return networks;
}

}  // namespace consort::engine
