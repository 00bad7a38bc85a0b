// Networks, and the containers on replaced ones: they are stopped, moved to the new network, and started again.
//
// A plan that is interrupted leaves containers that are stopped and on fewer networks than the file specifies. The next
// plan connects those: connect_missing().
#include <algorithm>

#include "base/strings.hpp"
#include "project/desired/parts.hpp"
#include "project/plan/container_spec.hpp"
#include "project/plan/converger.hpp"
#include "project/plan/label_of.hpp"
#include "project/plan/operations.hpp"

namespace consort::project {

namespace {

const engine::Endpoint* endpoint_on(const engine::Container& container, const engine::Network& network) {
  const auto found = std::ranges::find(container.networks, network.id, &engine::Endpoint::network_id);
  return found == container.networks.end() ? nullptr : &*found;
}

bool is_of(const engine::Network& network, const std::string& project, const std::string& key) {
  return label_of(network.spec.labels, label::project) == project &&
         label_of(network.spec.labels, label::network) == key;
}

}  // namespace

OperationId Converger::add_create_network(const std::string& key, Needs needs, std::string cause) {
  auto spec = std::make_shared<engine::NetworkSpec>(network_spec(project_, key));
  const std::string name = spec->name;
  if (!spec->ipam_options.empty())
    plan_.warnings.push_back("network " + name + ": ipam.options have no effect with the default IPAM driver");
  Operation operation = resource_operation(CreateNetwork{std::move(spec)}, "Network", name, std::move(cause));
  operation.needs = std::move(needs);
  return plan_.add(std::move(operation));
}

Result<> Converger::networks() {
  for (const auto& [key, each] : project_.networks) TRY(network(key, each));
  return {};
}

Result<> Converger::network(const std::string& key, const compose::Network& network) {
  const engine::Network* there = observed_.network(network.name);
  if (network.external) {
    // The engine's own networks always exist.
    const bool built_in = network.name == "bridge" || network.name == "host" || network.name == "none";
    if (there || built_in) return {};
    return fail(Error(Code::not_found, "network " + network.name + " declared as external, but could not be found")
                    .hint("create it first: `consort network create " + shell_quote(network.name) +
                          "`; or remove `external: true`, and `up` creates it")
                    .at(network.mark));
  }
  if (!there) {
    create_network(key, network);
    return {};
  }
  const std::string owner = label_of(there->spec.labels, label::project);
  if (owner.empty()) {
    plan_.warnings.push_back(
        "a network with name " + network.name +
        " exists but was not created by compose.\nSet `external: true` to use an existing network");
    return {};
  }
  if (owner != project_.name) {
    plan_.warnings.push_back("a network with name " + network.name + " exists but was not created for project \"" +
                             project_.name + "\".\nSet `external: true` to use an existing network");
    return {};
  }
  const std::string labelled = label_of(there->spec.labels, label::network);
  if (labelled != key)
    return fail(Error(Code::conflict, "network " + network.name + " was found but has incorrect label " +
                                          label::network + " set to \"" + labelled + "\" (expected: \"" + key + "\")")
                    .at(network.mark));
  warn_of_namesakes(key, *there);
  // A network without a hash was not created from a file: it is used as it is, like a volume.
  const std::string hash = label_of(there->spec.labels, label::config_hash);
  if (!hash.empty() && hash != config_hash(network)) replace_network(key, *there);
  return {};
}

// If several networks have the labels of one, the one with the right name is used. It is unknown whether others are in
// use.
void Converger::warn_of_namesakes(const std::string& key, const engine::Network& used) {
  for (const engine::Network& other : observed_.networks)
    if (other.id != used.id && is_of(other, project_.name, key))
      plan_.warnings.push_back("networks: " + other.spec.name + " (" + other.id.substr(0, 12) +
                               ") also has the label " + label::network + "=" + key + "; " + used.spec.name +
                               " is used. If nothing needs it, remove it with `consort network rm " +
                               shell_quote(other.spec.name) + "`");
}

// A network that was renamed is left by its containers, and is removed if it has no others.
void Converger::create_network(const std::string& key, const compose::Network& network) {
  const auto renamed = std::ranges::find_if(observed_.networks, [&](const engine::Network& other) {
    return is_of(other, project_.name, key) && !label_of(other.spec.labels, label::config_hash).empty();
  });
  if (renamed == observed_.networks.end()) {
    network_ready_[key] = {add_create_network(key, {}, "no network with this name")};
    return;
  }
  network_ready_[key] = {add_create_network(key, {}, "was " + renamed->spec.name)};
  Operation remove = resource_operation(RemoveNetwork{}, "Network", renamed->spec.name, "is " + network.name + " now");
  remove.object_id = renamed->id;
  remove.needs = part(*renamed);
  remove.needs.insert(remove.needs.end(), network_ready_[key].begin(), network_ready_[key].end());
  remove.necessity = Necessity::optional;
  plan_.add(std::move(remove));
  move(*renamed, network.name, network_ready_[key]);
}

void Converger::replace_network(const std::string& key, const engine::Network& old) {
  Operation remove = resource_operation(RemoveNetwork{}, "Network", old.spec.name, "configuration has changed");
  remove.object_id = old.id;
  remove.before.clear();  // Docker Compose only prints that it is removed
  remove.needs = part(old);
  const OperationId removed = plan_.add(std::move(remove));
  network_ready_[key] = {add_create_network(key, {removed}, "configuration has changed")};
  move(old, old.spec.name, network_ready_[key]);
}

// Stops the project's containers on it, and disconnects them.
Converger::Needs Converger::part(const engine::Network& old) {
  Needs parted;
  for (const engine::Container& container : observed_.containers) {
    if (!endpoint_on(container, old)) continue;
    Operation disconnect = on_container(DisconnectContainer{old.spec.name}, container);
    disconnect.shown.clear();
    disconnect.cause = "its network is recreated";
    if (container.state.running()) disconnect.needs = {stop_once(container, {})};
    parted.push_back(plan_.add(std::move(disconnect)));
  }
  return parted;
}

void Converger::move(const engine::Network& old, const std::string& name, const Needs& needs) {
  for (const engine::Container& container : observed_.containers) {
    const engine::Endpoint* endpoint = endpoint_on(container, old);
    if (!endpoint) continue;
    auto to = std::make_shared<engine::EndpointSpec>(endpoint->wanted);
    to->network = name;
    moves_[container.id].push_back({std::move(to), needs});
  }
}

Converger::Needs Converger::connect_moved(const engine::Container& container) {
  Needs connected;
  const auto moves = moves_.extract(container.id);
  if (moves.empty()) return connected;
  for (const Move& move : moves.mapped()) {
    Operation connect = on_container(ConnectContainer{move.to}, container);
    connect.shown.clear();
    connect.needs = move.needs;
    if (stopped_.contains(container.id)) connect.needs.push_back(stopped_.at(container.id));
    connected.push_back(plan_.add(std::move(connect)));
  }
  return connected;
}

// For a container that is kept: one that runs without a network of the file is recreated, as with Docker.
Result<Converger::Needs> Converger::connect_missing(const compose::Service& service,
                                                    const engine::Container& container) {
  Needs connected;
  if (container.state.running()) return connected;
  const auto spec = TRY(spec_of(service, container.number));
  for (const engine::EndpointSpec& wanted : spec->networks) {
    const engine::Network* there = observed_.network(wanted.network);
    const bool is_on = std::ranges::any_of(container.networks, [&](const engine::Endpoint& endpoint) {
      return there ? endpoint.network_id == there->id : endpoint.network == wanted.network;
    });
    if (is_on) continue;
    Operation connect = on_container(ConnectContainer{std::make_shared<engine::EndpointSpec>(wanted)}, container);
    connect.shown.clear();
    connect.cause = "is not on network " + wanted.network;
    connect.needs = needs_of(service);
    connected.push_back(plan_.add(std::move(connect)));
  }
  return connected;
}

// Containers of services outside this plan: they stay as they are, but on the new network.
void Converger::move_others() {
  for (const engine::Container& container : observed_.containers) {
    if (gone_.contains(container.id)) continue;
    Needs connected = connect_moved(container);
    if (connected.empty() || !container.state.running() || options_.after == AfterCreate::nothing) continue;
    Operation start = start_operation(container);
    start.cause = "was stopped for its network";
    start.needs = std::move(connected);
    plan_.add(std::move(start));
  }
}

}  // namespace consort::project
