#include "network/firewall.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "network/nft/firewall_rules.hpp"
#include "network/nft/foreign_firewall.hpp"
#include "network/nft/legacy_iptables.hpp"
#include "network/nft/nft.hpp"
#include "network/relay/conntrack.hpp"

namespace consort {

using firewall::ElementChange;
using firewall::table_name;
using nft::Batch;
using nft::Element;
using nft::Socket;
using nft::Table;

struct Firewall::State {
  Socket socket;
};

namespace {

Result<> first_of(const Batch& batch, const std::vector<netlink::Failure>& failures) {
  if (failures.empty()) return {};
  return fail(Socket::error_of(batch, failures.front()));
}

Result<> run(Socket& socket, Batch& batch) {
  return first_of(batch, TRY(socket.run_nft(batch)));
}

Result<> add(Socket& socket, std::span<const ElementChange> changes) {
  Batch batch;
  Table table(batch, NFPROTO_INET, table_name);
  for (const ElementChange& change : changes) table.add_elements(change.set, {&change.element, 1});
  return run(socket, batch);
}

// Each on its own if they do not go together: one that is gone must not keep the others alive.
Result<> remove(Socket& socket, std::span<const ElementChange> changes) {
  Batch batch;
  Table table(batch, NFPROTO_INET, table_name);
  for (const ElementChange& change : changes) table.remove_elements(change.set, {&change.element, 1});
  Result<> done = run(socket, batch);
  if (done || done.error().sys_errno() != ENOENT) return done;
  if (changes.size() == 1) return {};
  for (const ElementChange& change : changes) TRY(remove(socket, {&change, 1}));
  return {};
}

std::vector<ElementChange> elements_of(const BridgePolicy& policy) {
  const nft::Bytes name = nft::bytes_of_name(policy.bridge);
  std::vector<ElementChange> changes{{firewall::bridges_set, {name, {}}},
                                     {firewall::same_set, {nft::concatenate({name, name}), {}}}};
  if (policy.internal) changes.push_back({firewall::internal_set, {name, {}}});
  if (policy.masquerade && !policy.internal) changes.push_back({firewall::masquerade_set, {name, {}}});
  return changes;
}

std::vector<ElementChange> elements_of(std::span<const Redirect> redirects) {
  std::vector<ElementChange> changes;
  for (const Redirect& redirect : redirects) {
    firewall::RedirectMap map = firewall::redirect_element(redirect);
    changes.push_back({std::move(map.name), std::move(map.element)});
  }
  return changes;
}

std::vector<ElementChange> guards_of(std::span<const Redirect> ports) {
  std::vector<ElementChange> changes;
  for (const Redirect& port : ports) {
    if (port.host.is_v4()) changes.push_back({firewall::loopback_set, {firewall::loopback_key(port), {}}});
  }
  return changes;
}

}  // namespace

Firewall::Firewall(std::unique_ptr<State> state) : state_(std::move(state)) {}
Firewall::Firewall(Firewall&&) noexcept = default;
Firewall& Firewall::operator=(Firewall&&) noexcept = default;
Firewall::~Firewall() = default;

Result<Firewall> Firewall::open() {
  Socket socket = TRY_WRAP(Socket::open(NETLINK_NETFILTER), "reach the firewall");
  return Firewall(std::make_unique<State>(State{std::move(socket)}));
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
      return fail(Error(Code::io, "create firewall table inet consort").why(done.error().message()));
  }
  // Another process was faster, or the table is of an older version: same sets, new rules.
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
  // Elements that are there already are no failure.
  Result<> added = add(state_->socket, elements_of(policy));
  // The last bridge of another project may have taken the table away in between.
  if (!added && added.error().sys_errno() == ENOENT) {
    TRY(ensure_table());
    added = add(state_->socket, elements_of(policy));
  }
  TRY_WRAP(std::move(added), "open the firewall for bridge", policy.bridge);
  TRY(foreign_firewall::open_for(state_->socket, policy.bridge));
  return legacy_iptables::open_for(policy.bridge);
}

// What is there of the bridges. Looking first is cheap; a change that fails and is taken back by the kernel costs it a
// grace period (10 ms).
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
  if (!changes.empty()) collect(remove(state_->socket, changes));
  for (const std::string& bridge : gone) {
    collect(foreign_firewall::close_for(state_->socket, bridge));
    collect(legacy_iptables::close_for(bridge));
  }
  if (first) return fail(std::move(*first));
  return remove_unused_table();
}

// Not while another project puts its bridge in: the generation tells whether anybody changed anything since we looked.
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
  return {};  // somebody is changing rules all the time; the next `down` takes the empty table away
}

Result<std::vector<std::string>> Firewall::bridges() {
  std::vector<std::string> names;
  for (const Element& element :
       TRY(nft::list_elements(state_->socket, NFPROTO_INET, table_name, firewall::bridges_set))) {
    const auto* text = reinterpret_cast<const char*>(element.key.data());
    names.emplace_back(text, ::strnlen(text, element.key.size()));
  }
  return names;
}

Result<> Firewall::add_redirects(std::span<const Redirect> redirects) {
  if (redirects.empty()) return {};
  const std::vector<ElementChange> changes = elements_of(redirects);
  Result<> added = add(state_->socket, changes);
  if (added) return conntrack::forget_flows(state_->socket, redirects);
  // No table: somebody flushed the firewall. Another target under this key: a supervisor died before it could tidy up.
  if (added.error().sys_errno() == ENOENT) TRY(ensure_table());
  TRY(remove(state_->socket, changes));
  TRY_WRAP(add(state_->socket, changes), "redirect published ports");
  return conntrack::forget_flows(state_->socket, redirects);
}

Result<> Firewall::remove_redirects(std::span<const Redirect> redirects) {
  if (redirects.empty()) return {};
  TRY(remove(state_->socket, elements_of(redirects)));
  return conntrack::forget_flows(state_->socket, redirects);
}

Result<> Firewall::guard_loopback(std::span<const Redirect> ports) {
  const std::vector<ElementChange> changes = guards_of(ports);
  if (changes.empty()) return {};
  Result<> added = add(state_->socket, changes);
  if (added || added.error().sys_errno() != ENOENT) return added;
  TRY(ensure_table());
  return add(state_->socket, changes);
}

Result<> Firewall::release_loopback(std::span<const Redirect> ports) {
  const std::vector<ElementChange> changes = guards_of(ports);
  if (changes.empty()) return {};
  return remove(state_->socket, changes);
}

namespace {

Result<> write_setting(const std::string& path, std::string_view value) {
  const Result<std::string> now = read_file(path);
  if (now && trim(*now) == value) return {};  // also where /proc/sys is read-only but right
  const Fd fd = TRY(open_file(path, O_WRONLY));
  return write_full(fd.get(), value);
}

// An interface that forwards ignores router advertisements unless accept_ra is 2; it would lose its default route.
void keep_router_advertisements() {
  const std::string root = "/proc/sys/net/ipv6/conf";
  DIR* folder = ::opendir(root.c_str());
  if (!folder) return;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string path = root + "/" + entry->d_name + "/accept_ra";
    const Result<std::string> now = read_file(path);
    // Best effort: where it can't be written, the host keeps the behaviour that its administrator chose.
    if (now && trim(*now) == "1") (void)write_setting(path, "2");
  }
  ::closedir(folder);
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
