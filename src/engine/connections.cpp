// Connecting containers to networks and disconnecting them, running or not. docs/decisions/0105.
//
// The record is the first to say that a container is connected and the last to say that it no longer is, so that nobody
// else gets an address for as long as an interface may have it. Repeating a command that was killed finishes its work:
// the container, not only the record, tells whether it is done.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/os/files/file.hpp"
#include "engine/checks/validate.hpp"
#include "engine/engine_impl.hpp"
#include "engine/records/leases.hpp"
#include "engine/start/host_files.hpp"
#include "supervisor/journal.hpp"

namespace consort::engine {

namespace {

// A locked container whose networks are about to change.
class Connected {
 public:
  static Result<Connected> open(Engine::Impl& impl, const std::string& container);

  const ContainerRecord& record() const { return record_; }
  bool runs() const { return runs_; }
  bool is_recorded(const std::string& network_id) const;
  bool is_on(const std::string& network_id) const;  // an interface of it is
  // Records the endpoint; for a running container, also leases addresses and creates the interface.
  Result<> connect(const Network& network, const EndpointSpec& wanted);
  Result<> disconnect(const std::string& network_id);

 private:
  explicit Connected(Engine::Impl& impl) : impl_(&impl) {}
  Result<> load_networks();
  // The supervisor applies the record's networks to the running container.
  Result<> apply();
  Result<> change_files(const Strings& before);
  Strings own_addresses() const;
  std::string file(const char* name) const { return impl_->container_directory(record_.summary.id) + "/" + name; }

  Engine::Impl* impl_;
  Fd lock_;
  ContainerRecord record_;
  std::vector<Network> networks_;  // of its endpoints
  bool runs_ = false;
  Strings observed_;  // ids of the networks that it is on
};

Result<Connected> Connected::open(Engine::Impl& impl, const std::string& container) {
  Connected opened(impl);
  const std::string id = TRY(impl.records.find_container(container));
  opened.lock_ = TRY(impl.lock_container(id));
  opened.record_ = TRY(impl.records.load_container(id));
  const std::string& project = opened.record_.summary.project;
  opened.runs_ = TRY(impl.observe(project, id)).running();
  if (!opened.runs_) return opened;
  const std::vector<std::string> ids{id};
  for (const auto& [each, state] : TRY(supervisor::observe(impl.roots, project, ids, impl.patience)))
    for (const supervisor::EndpointAddress& address : state.addresses) opened.observed_.push_back(address.network_id);
  return opened;
}

bool Connected::is_recorded(const std::string& network_id) const {
  return std::ranges::count(record_.endpoints, network_id, &EndpointRecord::network_id) > 0;
}

bool Connected::is_on(const std::string& network_id) const {
  return std::ranges::count(observed_, network_id) > 0;
}

Result<> Connected::load_networks() {
  networks_.clear();
  for (const EndpointRecord& endpoint : record_.endpoints)
    networks_.push_back(TRY(impl_->records.find_network(endpoint.network_id)));
  return {};
}

Strings Connected::own_addresses() const {
  Strings addresses;
  for (const EndpointRecord& endpoint : record_.endpoints)
    for (const std::string& address : {endpoint.ipv4, endpoint.ipv6})
      if (!address.empty()) addresses.push_back(address);
  return addresses;
}

Result<> Connected::apply() {
  const std::string path = file("unit.json");
  supervisor::ContainerUnit unit = TRY(supervisor::read_unit(path));
  const std::string before = supervisor::unit_to_json(unit);
  StringMap interfaces;
  for (const supervisor::EndpointUnit& endpoint : unit.endpoints) interfaces[endpoint.network_id] = endpoint.ifname;
  unit.endpoints = impl_->make_endpoints(record_, networks_, interfaces);
  unit.link_aliases = link_aliases_of(record_);
  TRY(write_file_atomic(path, supervisor::unit_to_json(unit), 0600));
  auto changed = impl_->client(record_.summary.project).reconnect(record_.summary.id);
  if (changed) return {};
  // It may have ended in the meantime; then its next start does this.
  if (changed.error().code() == Code::conflict && !impl_->is_alive(record_.summary.project, record_.summary.id))
    return {};
  (void)write_file_atomic(path, before, 0600);
  return fail(std::move(changed).error());
}

Result<> Connected::connect(const Network& network, const EndpointSpec& wanted) {
  const Strings before = own_addresses();
  const EndpointRecord endpoint{.container_id = record_.summary.id,
                                .network_id = network.id,
                                .spec = wanted,
                                .ipv4 = {},
                                .ipv6 = {},
                                .project = {}};
  if (runs_) TRY(impl_->ensure_bridge(network));
  TRY(impl_->records.put_endpoint(endpoint));
  if (!runs_) return {};
  const auto work = [&]() -> Result<> {
    record_ = TRY(impl_->records.load_container(record_.summary.id));
    TRY(load_networks());
    TRY(impl_->lease_addresses(record_, networks_));
    return apply();
  };
  if (Result<> worked = work(); !worked) {
    Result<> forgotten = impl_->records.remove_endpoint(record_.summary.id, network.id);
    if (!forgotten) return fail(std::move(worked).error().also(std::move(forgotten).error()));
    return worked;
  }
  return change_files(before);
}

Result<> Connected::disconnect(const std::string& network_id) {
  const Strings before = own_addresses();
  if (runs_) {
    std::erase_if(record_.endpoints, [&](const EndpointRecord& each) { return each.network_id == network_id; });
    TRY(load_networks());
    TRY(apply());
    TRY(impl_->records.remove_endpoint(record_.summary.id, network_id));
    return change_files(before);
  }
  const auto network = impl_->records.find_network(network_id);
  const std::string name = network ? network->spec.name : network_id;
  return impl_->records.remove_endpoint(
      record_.summary.id, network_id,
      EngineEvent{.time = system_now(),
                  .type = "network",
                  .action = "disconnect",
                  .id = network_id,
                  .project = record_.summary.project,
                  .attributes = {{"container", record_.summary.id}, {"name", name}, {"type", "bridge"}}});
}

// In place, because the file is mounted into the container.
Result<> write_in_place(const std::string& path, const std::string& text) {
  const Fd fd = TRY(open_file(path, O_WRONLY | O_NOFOLLOW));
  TRY(write_full(fd.get(), text));
  if (::ftruncate(fd.get(), static_cast<off_t>(text.size())) != 0) return fail_errno("shorten", path);
  return {};
}

// /etc/hosts holds the container's own addresses, and /etc/resolv.conf our name server once there is a network with
// names.
Result<> Connected::change_files(const Strings& before) {
  const Strings after = own_addresses();
  HostsChange change{.hostname = record_.hostname, .domainname = record_.domainname, .gone = {}, .added = {}};
  std::ranges::copy_if(before, std::back_inserter(change.gone),
                       [&](const std::string& each) { return std::ranges::count(after, each) == 0; });
  std::ranges::copy_if(after, std::back_inserter(change.added),
                       [&](const std::string& each) { return std::ranges::count(before, each) == 0; });
  const std::string text = TRY(read_file(file("hosts"), 16 << 20));
  if (std::string changed = change_hosts(text, change); changed != text) TRY(write_in_place(file("hosts"), changed));
  const bool names = std::ranges::any_of(networks_, [](const Network& n) { return n.spec.name != default_network; });
  const std::string resolv_conf = TRY(read_file(file("resolv.conf"), 1 << 20));
  if (!names || is_edited_resolv_conf(resolv_conf)) return {};
  const std::string with_names = TRY(impl_->make_resolv_conf_of(record_.spec, InternalResolver::yes));
  return with_names == resolv_conf ? Result<>() : write_in_place(file("resolv.conf"), with_names);
}

std::unexpected<Error> refused(std::string text) {
  return fail(Error(Code::invalid, std::move(text)));
}

// In Docker's words.
Result<> check_mode(const ContainerRecord& record, const Network& network) {
  const std::string& mode = record.spec.network_mode;
  if (mode == "host" || mode.starts_with("container:"))
    return refused(
        "container sharing network namespace with another container or host cannot be connected to any other network");
  if (network.spec.name == "host")
    return refused("cannot connect container to host network - container must be created in host network mode");
  if (mode == "none" || network.spec.name == "none")
    return refused(
        "container cannot be connected to multiple networks with one of the networks in private (none) mode");
  return {};
}

Result<> check_settings(const EndpointSpec& wanted, const Network& network) {
  TRY(validate_endpoint(wanted));
  std::string why = why_not_addresses(wanted, network);
  if (network.spec.name == default_network && !wanted.aliases.empty())
    why = "network-scoped alias is supported only for containers in user defined networks";
  if (why.empty()) return {};
  return fail(Error(Code::invalid, "invalid endpoint settings:\n" + why));
}

}  // namespace

Result<> Engine::Impl::resolve_links(Strings& links) {
  for (std::string& link : links) {
    const std::size_t colon = link.find(':');
    const std::string name = link.substr(0, colon);
    auto donor = records.find_container(name);
    if (!donor)
      return fail(std::move(donor).error().wrap("could not get container for", name).about(Subject::setting, "links"));
    link = *donor + ":" + (colon == std::string::npos ? name : link.substr(colon + 1));
  }
  return {};
}

Result<> Engine::connect_network(const std::string& id, const EndpointSpec& endpoint) {
  Connected container = TRY(Connected::open(*impl_, id));
  if (endpoint.network == default_network) TRY(impl_->ensure_default_network());
  const std::optional<Network> built_in = built_in_network(endpoint.network);
  const Network network = built_in ? *built_in : TRY(impl_->records.find_network(endpoint.network));
  TRY(check_mode(container.record(), network));
  EndpointSpec wanted = endpoint;
  wanted.network = network.spec.name;
  TRY(check_settings(wanted, network));
  const bool done = container.is_recorded(network.id) && (!container.runs() || container.is_on(network.id));
  if (done && container.runs())
    return fail(Error(Code::denied, "endpoint with name " + container.record().summary.name +
                                        " already exists in network " + network.spec.name));
  return container.connect(network, wanted);
}

Result<> Engine::disconnect_network(const std::string& id, const std::string& network_name, Force force) {
  Connected container = TRY(Connected::open(*impl_, id));
  const ContainerRecord& record = container.record();
  const std::optional<Network> built_in = built_in_network(network_name);
  Result<Network> network = built_in ? Result<Network>(*built_in) : impl_->records.find_network(network_name);
  std::string network_id = network ? network->id : "";
  if (!network) {
    // A network that no longer exists, by the name under which the container knows it.
    const auto known = std::ranges::find_if(record.endpoints, [&](const EndpointRecord& each) {
      return each.spec.network == network_name || each.network_id == network_name;
    });
    if (known == record.endpoints.end() || (container.runs() && force == Force::no))
      return fail(std::move(network).error());
    network_id = known->network_id;
  } else if (record.spec.network_mode == "host" && network->spec.name == "host") {
    return refused("cannot disconnect container from host network - container was created in host network mode");
  }
  if (!container.is_recorded(network_id) && !container.is_on(network_id))
    return fail(Error(Code::not_found, "container " + record.summary.id + " is not connected to " +
                                           (container.runs() ? "network " : "the network ") +
                                           (network ? network->spec.name : network_name)));
  return container.disconnect(network_id);
}

}  // namespace consort::engine
