#include "network/firewall.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "network/nft/firewall_rules.hpp"
#include "network/nft/foreign_firewall.hpp"
#include "network/nft/foreign_programs.hpp"
#include "network/nft/nft.hpp"

namespace consort {

using firewall::ElementChange;
using firewall::table_name;
using nft::Batch;
using nft::Element;
using nft::Socket;
using nft::Table;

struct Firewall::State {
  Socket socket;
  HostPrograms programs;
};

namespace {

Result<> first_of(const Batch& batch, const std::vector<netlink::Failure>& failures) {
  if (failures.empty()) return {};
  return fail(Socket::error_of(batch, failures.front()));
}

constexpr const char* kernel_needs =
    "use a kernel with CONFIG_NF_TABLES_INET, CONFIG_NFT_CT, CONFIG_NFT_NAT, CONFIG_NFT_MASQ and CONFIG_NFT_FIB_INET, "
    "as distributions have it; after an upgrade of the kernel, reboot";

Result<> run(Socket& socket, Batch& batch) {
  return first_of(batch, TRY(socket.run_nft(batch)));
}

// As many as fit into a message: the length of an attribute has 16 bits, and an element takes up to 80 bytes.
constexpr std::size_t elements_per_message = 512;

enum class Change : std::uint8_t { add, remove };

// One message for many elements, instead of one for each.
void put(Table& table, Change change, std::span<const ElementChange> changes) {
  std::map<std::string, std::vector<Element>> by_set;
  const auto flush = [&](const std::string& set, std::vector<Element>& elements) {
    if (elements.empty()) return;
    if (change == Change::add)
      table.add_elements(set, elements);
    else
      table.remove_elements(set, elements);
    elements.clear();
  };
  for (const ElementChange& one : changes) {
    std::vector<Element>& elements = by_set[one.set];
    elements.push_back(one.element);
    if (elements.size() == elements_per_message) flush(one.set, elements);
  }
  for (auto& [set, elements] : by_set) flush(set, elements);
}

Result<> run(Socket& socket, Change change, std::span<const ElementChange> changes) {
  Batch batch;
  Table table(batch, NFPROTO_INET, table_name);
  put(table, change, changes);
  return run(socket, batch);
}

std::vector<ElementChange> elements_of(const BridgePolicy& policy) {
  const nft::Bytes name = nft::bytes_of_name(policy.bridge);
  std::vector<ElementChange> changes{{firewall::bridges_set, {name, {}}},
                                     {firewall::same_set, {nft::concatenate({name, name}), {}}}};
  if (policy.internal) changes.push_back({firewall::internal_set, {name, {}}});
  if (policy.masquerade && !policy.internal) changes.push_back({firewall::masquerade_set, {name, {}}});
  const auto direct = [&](Family family, DirectAccess access) {
    if (access == DirectAccess::none || policy.internal) return;
    const std::string& set = access == DirectAccess::published ? firewall::routed_set : firewall::direct_set;
    changes.push_back({set, {firewall::family_key(policy.bridge, family), {}}});
  };
  direct(Family::v4, policy.direct4);
  direct(Family::v6, policy.direct6);
  return changes;
}

std::vector<ElementChange> elements_of(const PortRules& ports) {
  std::vector<ElementChange> changes;
  changes.reserve(ports.redirects.size() + ports.guards.size() + ports.relayed.size());
  for (const Redirect& redirect : ports.redirects) {
    firewall::RedirectMap map = firewall::redirect_element(redirect);
    changes.push_back({std::move(map.name), std::move(map.element)});
  }
  for (const Redirect& port : ports.guards) {
    if (port.host.is_v4()) changes.push_back({firewall::loopback_set, {firewall::loopback_key(port), {}}});
  }
  for (const Redirect& port : ports.relayed) {
    firewall::RedirectMap set = firewall::relayed_element(port);
    changes.push_back({std::move(set.name), std::move(set.element)});
  }
  return changes;
}

}  // namespace

Firewall::Firewall(std::unique_ptr<State> state) : state_(std::move(state)) {}
Firewall::Firewall(Firewall&&) noexcept = default;
Firewall& Firewall::operator=(Firewall&&) noexcept = default;
Firewall::~Firewall() = default;

Result<Firewall> Firewall::open() {
  return open(HostPrograms());
}

Result<Firewall> Firewall::open(HostPrograms programs) {
  Socket socket = TRY_WRAP(Socket::open(NETLINK_NETFILTER), "reach the firewall");
  return Firewall(std::make_unique<State>(State{std::move(socket), std::move(programs)}));
}

Result<> Firewall::ensure_table() {
  Socket& socket = state_->socket;
  if (TRY(nft::chain_exists(socket, NFPROTO_INET, table_name, firewall::version_chain))) return {};
  {
    Batch batch;
    Table table(batch, NFPROTO_INET, table_name);
    table.create(nft::Existing::refuse);
    firewall::add_sets(table);
    firewall::add_chains(table);
    firewall::add_rules(table);
    const Result<> done = run(socket, batch);
    if (done) return {};
    if (done.error().sys_errno() != EEXIST)
      return fail(Error(Code::io, "create firewall table inet consort").why(done.error().message()).hint(kernel_needs));
  }
  // Either another process created it first, or the table is of an older version: same sets, new rules.
  if (TRY(nft::chain_exists(socket, NFPROTO_INET, table_name, firewall::version_chain))) return {};
  Batch batch;
  Table table(batch, NFPROTO_INET, table_name);
  firewall::add_sets(table);
  firewall::add_chains(table);
  firewall::flush_chains(table);
  firewall::add_rules(table);
  return run(socket, batch);
}

Result<> Firewall::add_bridge(const BridgePolicy& policy) {
  TRY(ensure_table());
  // Existing elements are not an error.
  Result<> added = run(state_->socket, Change::add, elements_of(policy));
  // Meanwhile the table may have been removed with another project's last bridge.
  if (!added && added.error().sys_errno() == ENOENT) {
    TRY(ensure_table());
    added = run(state_->socket, Change::add, elements_of(policy));
  }
  TRY_WRAP(std::move(added), "open the firewall for bridge", policy.bridge);
  return open_foreign(policy.bridge);
}

Result<> Firewall::open_foreign(const std::string& bridge) {
  return foreign_firewall::open_for(state_->socket, bridge);
}

Result<bool> Firewall::wants_programs(std::span<const std::string> bridges) {
  return foreign_programs::are_wanted(state_->socket, bridges);
}

Result<> Firewall::open_by_programs(std::span<const std::string> bridges) {
  return foreign_programs::open_for(state_->socket, state_->programs, bridges);
}

// The existing elements for these bridges. Looking first is cheap; a change that fails makes the kernel roll back,
// which costs a grace period (10 ms).
Result<std::vector<ElementChange>> Firewall::elements_with(std::span<const std::string> bridges) {
  std::vector<ElementChange> changes;
  for (const std::string& set : firewall::interface_sets()) {
    for (Element& element : TRY(nft::list_elements(state_->socket, NFPROTO_INET, table_name, set))) {
      const bool named = std::any_of(bridges.begin(), bridges.end(), [&](const std::string& bridge) {
        const nft::Bytes name = nft::bytes_of_name(bridge);
        return element.key.size() >= name.size() && std::equal(name.begin(), name.end(), element.key.begin());
      });
      if (named) changes.push_back({set, {std::move(element.key), {}}});
    }
  }
  return changes;
}

Result<> Firewall::remove_bridges(std::span<const std::string> gone) {
  std::vector<ElementChange> changes = TRY(elements_with(gone));
  std::optional<Error> first;
  const auto collect = [&](Result<> done) {
    if (!done) first = first ? std::move(*first).also(std::move(done).error()) : std::move(done).error();
  };
  collect(remove_elements(changes));
  for (const std::string& bridge : gone) collect(foreign_firewall::close_for(state_->socket, bridge));
  collect(foreign_programs::close_for(state_->socket, state_->programs, gone));
  if (first) return fail(std::move(*first));
  return remove_unused_table();
}

// Not while another project is adding its bridge: the generation shows whether anything has changed since we looked.
Result<> Firewall::remove_unused_table() {
  for (int attempt = 0; attempt < 20; ++attempt) {
    const std::uint32_t generation = TRY(nft::generation(state_->socket));
    if (!TRY(bridges()).empty()) return {};
    Batch batch;
    Table(batch, NFPROTO_INET, table_name).remove();
    const std::vector<netlink::Failure> failures = TRY(state_->socket.run_nft(batch, generation));
    if (failures.empty() || failures.front().error == ENOENT) return {};
    if (failures.front().error != ERESTART) return first_of(batch, failures);
  }
  return {};  // other programs keep changing the rules; the next `down` removes the empty table
}

namespace {

Result<std::vector<std::string>> names_in(Socket& socket, const std::string& set) {
  std::vector<std::string> names;
  for (const Element& element : TRY(nft::list_elements(socket, NFPROTO_INET, table_name, set))) {
    const auto* text = reinterpret_cast<const char*>(element.key.data());
    names.emplace_back(text, ::strnlen(text, element.key.size()));
  }
  return names;
}

}  // namespace

Result<std::vector<std::string>> Firewall::bridges() {
  return names_in(state_->socket, firewall::bridges_set);
}

Result<bool> Firewall::read_policies(std::span<BridgePolicy> policies) {
  const std::vector<std::string> all = TRY(bridges());
  const std::vector<std::string> internal = TRY(names_in(state_->socket, firewall::internal_set));
  const std::vector<std::string> hidden = TRY(names_in(state_->socket, firewall::masquerade_set));
  const auto routed = TRY(nft::list_elements(state_->socket, NFPROTO_INET, table_name, firewall::routed_set));
  const auto direct = TRY(nft::list_elements(state_->socket, NFPROTO_INET, table_name, firewall::direct_set));
  const auto access = [&](const std::string& bridge, Family family) {
    const auto in = [key = firewall::family_key(bridge, family)](const std::vector<Element>& elements) {
      return std::ranges::find(elements, key, &Element::key) != elements.end();
    };
    return in(routed) ? DirectAccess::published : in(direct) ? DirectAccess::all : DirectAccess::none;
  };
  bool all_there = true;
  for (BridgePolicy& policy : policies) {
    const auto in = [&policy](const std::vector<std::string>& names) {
      return std::ranges::find(names, policy.bridge) != names.end();
    };
    if (!in(all)) {
      all_there = false;
      continue;
    }
    policy.internal = in(internal);
    policy.masquerade = in(hidden) || policy.internal;
    policy.direct4 = access(policy.bridge, Family::v4);
    policy.direct6 = access(policy.bridge, Family::v6);
  }
  return all_there;
}

// The elements whose keys are in the table, with the data they have there.
Result<std::vector<ElementChange>> Firewall::present_among(std::span<const ElementChange> changes) {
  std::map<std::string, std::set<nft::Bytes>> keys;
  for (const ElementChange& change : changes) keys[change.set].insert(change.element.key);
  std::vector<ElementChange> present;
  for (const auto& [set, wanted] : keys) {
    for (Element& element : TRY(nft::list_elements(state_->socket, NFPROTO_INET, table_name, set)))
      if (wanted.contains(element.key)) present.push_back({set, std::move(element)});
  }
  return present;
}

// Replaces old elements by new ones in one transaction.
Result<> Firewall::replace(std::span<const ElementChange> changes) {
  const std::vector<ElementChange> old = TRY(present_among(changes));
  Batch batch;
  Table table(batch, NFPROTO_INET, table_name);
  put(table, Change::remove, old);
  put(table, Change::add, changes);
  return run(state_->socket, batch);
}

Result<> Firewall::add_ports(const PortRules& ports) {
  const std::vector<ElementChange> changes = elements_of(ports);
  if (changes.empty()) return {};
  Result<> added = run(state_->socket, Change::add, changes);
  if (added) return {};
  // No table: the firewall was flushed. Another target under one of the keys: a supervisor died before it could clean
  // up.
  if (added.error().sys_errno() == ENOENT) TRY(ensure_table());
  TRY_WRAP(replace(changes), "redirect published ports");
  return {};
}

Result<> Firewall::remove_ports(const PortRules& ports) {
  return remove_elements(elements_of(ports));
}

Result<> Firewall::remove_left(const PortRules& ports) {
  return remove_elements(TRY(present_among(elements_of(ports))));
}

// The kernel removes an element by its key alone, so check that it has not been replaced since we looked.
Result<> Firewall::remove_redirects(std::span<const Redirect> redirects) {
  PortRules rules;
  rules.redirects.assign(redirects.begin(), redirects.end());
  const std::vector<ElementChange> ours = elements_of(rules);
  std::map<std::pair<std::string, nft::Bytes>, nft::Bytes> data_of;
  for (const ElementChange& each : ours) data_of[{each.set, each.element.key}] = each.element.data;
  for (int attempt = 0; attempt < 20; ++attempt) {
    const std::uint32_t generation = TRY(nft::generation(state_->socket));
    std::vector<ElementChange> left = TRY(present_among(ours));
    std::erase_if(left, [&](const ElementChange& each) {
      return data_of[{each.set, each.element.key}] != each.element.data;
    });
    if (left.empty()) return {};
    Batch batch;
    Table table(batch, NFPROTO_INET, table_name);
    put(table, Change::remove, left);
    const std::vector<netlink::Failure> failures = TRY(state_->socket.run_nft(batch, generation));
    if (failures.empty()) return {};
    if (failures.front().error != ERESTART && failures.front().error != ENOENT) return first_of(batch, failures);
  }
  return fail(Error(Code::io, "take back published ports").why("other programs keep changing the rules"));
}

Result<> Firewall::set_openings(const Openings& openings) {
  const std::string& set = firewall::openings_set(openings.address.family());
  std::vector<ElementChange> wanted, gone;
  for (const Openings::Port& port : openings.ports)
    wanted.push_back({set, {firewall::opening_key(openings, port), {}}});
  const nft::Bytes prefix = firewall::opening_prefix(openings);
  for (Element& element : TRY(nft::list_elements(state_->socket, NFPROTO_INET, table_name, set))) {
    const bool here =
        element.key.size() > prefix.size() && std::equal(prefix.begin(), prefix.end(), element.key.begin());
    const auto same = [&](const ElementChange& change) { return change.element.key == element.key; };
    if (here && std::ranges::none_of(wanted, same)) gone.push_back({set, std::move(element)});
  }
  TRY(remove_elements(gone));
  if (wanted.empty()) return {};
  Result<> added = run(state_->socket, Change::add, wanted);
  if (!added && added.error().sys_errno() == ENOENT) {
    TRY(ensure_table());
    added = run(state_->socket, Change::add, wanted);
  }
  TRY_WRAP(std::move(added), "open ports of", openings.address.to_string());
  return {};
}

// A missing element must not keep the others alive, and elements may disappear one by one while we look.
Result<> Firewall::remove_elements(std::span<const ElementChange> changes) {
  if (changes.empty()) return {};
  Result<> done = run(state_->socket, Change::remove, changes);
  for (int attempt = 0; attempt < 20 && !done && done.error().sys_errno() == ENOENT; ++attempt) {
    const std::vector<ElementChange> left = TRY(present_among(changes));
    if (left.empty()) return {};
    done = run(state_->socket, Change::remove, left);
  }
  return done;
}

namespace {

Result<> write_setting(const std::string& path, std::string_view value) {
  const Result<std::string> now = read_file(path);
  if (now && trim(*now) == value) return {};  // also if /proc/sys is read-only but has the value
  const Fd fd = TRY(open_file(path, O_WRONLY));
  return write_full(fd.get(), value);
}

// A forwarding interface ignores router advertisements unless accept_ra is 2, and would lose its default route.
void keep_router_advertisements() {
  const std::string root = "/proc/sys/net/ipv6/conf";
  DIR* directory = ::opendir(root.c_str());
  if (!directory) return;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string path = root + "/" + entry->d_name + "/accept_ra";
    const Result<std::string> now = read_file(path);
    // Best effort: if it cannot be written, the host keeps its administrator's setting.
    if (now && trim(*now) == "1") (void)write_setting(path, "2");
  }
  ::closedir(directory);
}

}  // namespace

Result<> enable_forwarding(Family family) {
  if (family == Family::v4) return write_setting("/proc/sys/net/ipv4/ip_forward", "1");
  const std::string path = "/proc/sys/net/ipv6/conf/all/forwarding";
  const Result<std::string> now = read_file(path);
  if (now && trim(*now) == "1") return {};
  keep_router_advertisements();
  return write_setting(path, "1");
}

}  // namespace consort
