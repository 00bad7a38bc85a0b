// network ...: the networks of this machine, in any project.
#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/filters.hpp"
#include "cli/commands/machine/json_rows.hpp"
#include "cli/commands/machine/prune_output.hpp"
#include "cli/commands/machine/remove_each.hpp"
#include "cli/workspace.hpp"
#include "engine/in_use.hpp"
#include "engine/prune.hpp"

namespace consort::cli {

namespace {

constexpr std::string_view list_filters[] = {"dangling", "driver", "id", "label", "name"};
constexpr std::string_view prune_filters[] = {"label"};
constexpr std::size_t short_id = 12;

const char* yes_or_no(bool value) {
  return value ? "true" : "false";
}

FormatRow row_of(const engine::Network& network, bool whole) {
  return {{"ID", "NETWORK ID", whole ? network.id : network.id.substr(0, short_id), ""},
          {"Name", "NAME", network.spec.name, ""},
          {"Driver", "DRIVER", network.spec.driver, ""},
          {"Scope", "SCOPE", "local", ""},
          {"Internal", "INTERNAL", yes_or_no(network.spec.internal), ""},
          {"IPv6", "IPV6", yes_or_no(network.spec.enable_ipv6), ""},
          {"Labels", "LABELS", text_of_pairs(network.spec.labels), ""}};
}

Json pools_of(const engine::Network& network) {
  Json pools = Json::array();
  for (const engine::AddressPool& pool : network.spec.pools) {
    Json one{{"Subnet", pool.subnet}};
    if (!pool.gateway.empty()) one["Gateway"] = pool.gateway;
    if (!pool.ip_range.empty()) one["IPRange"] = pool.ip_range;
    if (!pool.aux_addresses.empty()) one["AuxiliaryAddresses"] = pool.aux_addresses;
    pools.push_back(std::move(one));
  }
  return pools;
}

std::string with_length(const std::string& address, const engine::Network& network) {
  if (address.empty()) return "";
  for (const engine::AddressPool& pool : network.spec.pools)
    if (pool.subnet.contains(':') == address.contains(':')) return address + pool.subnet.substr(pool.subnet.find('/'));
  return address;
}

Result<Json> containers_on(engine::Engine& engine, const engine::Network& network) {
  Json containers = Json::object();
  for (const engine::Container& container : TRY(engine.list())) {
    if (!container.state.running()) continue;
    for (const engine::Endpoint& endpoint : container.networks)
      if (endpoint.network_id == network.id)
        containers[container.id] = {{"Name", container.name},
                                    {"MacAddress", endpoint.mac_address},
                                    {"IPv4Address", with_length(endpoint.ipv4, network)},
                                    {"IPv6Address", with_length(endpoint.ipv6, network)}};
  }
  return containers;
}

Result<Json> describe(engine::Engine& engine, const engine::Network& network) {
  Json containers = TRY(containers_on(engine, network));
  return Json{{"Name", network.spec.name},
              {"Id", network.id},
              {"Created", format_rfc3339(network.created_at)},
              {"Scope", "local"},
              {"Driver", network.spec.driver},
              {"EnableIPv4", network.spec.enable_ipv4},
              {"EnableIPv6", network.spec.enable_ipv6},
              {"IPAM", {{"Driver", "default"}, {"Options", network.spec.ipam_options}, {"Config", pools_of(network)}}},
              {"Internal", network.spec.internal},
              {"Attachable", network.spec.attachable},
              {"Containers", std::move(containers)},
              {"Options", network.spec.driver_opts},
              {"Labels", network.spec.labels}};
}

// The networks with records, and the two that every machine has.
Result<std::vector<engine::Network>> all_networks(engine::Engine& engine) {
  std::vector<engine::Network> networks = TRY(engine.list_networks());
  for (const char* name : {"host", "none"}) networks.push_back(TRY(engine.inspect_network(name)));
  std::ranges::sort(networks, {}, [](const engine::Network& network) { return network.spec.name; });
  return networks;
}

// Pairs --subnet, --gateway and --ip-range in the order in which they were given, as Docker does.
std::vector<engine::AddressPool> wanted_pools(const ParsedFlags& flags) {
  std::vector<engine::AddressPool> pools;
  for (const std::string& subnet : flags.list("subnet"))
    pools.push_back({.subnet = subnet, .ip_range = {}, .gateway = {}, .aux_addresses = {}});
  const auto pool_for = [&](const std::string& address) -> engine::AddressPool* {
    const auto same = [&](const engine::AddressPool& pool) {
      return pool.subnet.contains(':') == address.contains(':');
    };
    const auto found = std::ranges::find_if(pools, same);
    return found == pools.end() ? nullptr : &*found;
  };
  for (const std::string& gateway : flags.list("gateway"))
    if (engine::AddressPool* pool = pool_for(gateway)) pool->gateway = gateway;
  for (const std::string& range : flags.list("ip-range"))
    if (engine::AddressPool* pool = pool_for(range)) pool->ip_range = range;
  for (const auto& [name, address] : pairs_of(flags.list("aux-address")))
    if (engine::AddressPool* pool = pool_for(address)) pool->aux_addresses[name] = address;
  return pools;
}

}  // namespace

Result<int> run_network_list(Invocation& invocation) {
  const Filters filters = TRY(filters_of(invocation.flags, list_filters));
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  std::vector<engine::Network> networks = TRY(all_networks(workspace->engine()));
  std::set<std::string> used;
  if (filters.contains("dangling")) used = TRY(engine::networks_in_use(workspace->engine()));
  std::erase_if(networks, [&](const engine::Network& network) {
    const bool dangling = !engine::is_built_in(network) && !used.contains(network.id);
    return !passes(filters, "name", network.spec.name) || !passes(filters, "id", network.id) ||
           !passes(filters, "driver", network.spec.driver) || !passes_labels(filters, network.spec.labels) ||
           !passes(filters, "dangling", yes_or_no(dangling));
  });
  const bool whole = invocation.flags.on("no-trunc");
  if (invocation.flags.on("quiet")) {
    for (const engine::Network& network : networks)
      print_out((whole ? network.id : network.id.substr(0, short_id)) + "\n");
    return 0;
  }
  std::vector<FormatRow> rows;
  for (const engine::Network& network : networks) rows.push_back(row_of(network, whole));
  const std::vector<std::string> columns{"ID", "Name", "Driver", "Scope"};
  print_out(TRY(format_rows(invocation.flags.text("format", "table"), rows, columns, row_of({}, whole))));
  return 0;
}

Result<int> run_network_create(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const ParsedFlags& flags = invocation.flags;
  engine::NetworkSpec spec;
  spec.name = invocation.arguments[0];
  spec.driver = flags.text("driver", "bridge");
  spec.driver_opts = pairs_of(flags.list("opt"));
  spec.labels = pairs_of(flags.list("label"));
  spec.pools = wanted_pools(flags);
  spec.ipam_driver = flags.text("ipam-driver");
  spec.ipam_options = pairs_of(flags.list("ipam-opt"));
  spec.internal = flags.on("internal");
  spec.attachable = flags.on("attachable");
  spec.enable_ipv4 = flags.on("ipv4");
  spec.enable_ipv6 = flags.on("ipv6");
  if (!flags.list("gateway").empty() && spec.pools.empty())
    return fail(Code::invalid, "every ip-range or gateway must have a corresponding subnet");
  if (invocation.dry_run) return 0;
  print_out(TRY(workspace->engine().create_network(spec)).id + "\n");
  return 0;
}

Result<int> run_network_inspect(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  Json array = Json::array();
  for (const std::string& name : invocation.arguments)
    array.push_back(TRY(describe(workspace->engine(), TRY(workspace->engine().inspect_network(name)))));
  TRY(print_inspected(array, invocation.flags.text("format"), "Name"));
  return 0;
}

Result<int> run_network_rm(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  return remove_each(invocation, [&](const std::string& name) -> Result<bool> {
    Result<> removed = workspace->engine().remove_network(name);
    if (!removed && invocation.flags.on("force") && removed.error().code() == Code::not_found) return false;
    TRY(std::move(removed));
    return true;
  });
}

Result<int> run_network_prune(Invocation& invocation) {
  const Filters filters = TRY(filters_of(invocation.flags, prune_filters));
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  if (!confirm_prune(invocation, "This will remove all custom networks not used by at least one container.")) return 0;
  const auto pruned =
      TRY(engine::prune_networks(workspace->engine(), prune_mode(invocation), [&](const engine::Network& network) {
        return passes_labels(filters, network.spec.labels);
      }));
  return print_pruned(invocation, "Networks", PrunedBy::name, pruned) ? 0 : 1;
}

}  // namespace consort::cli
