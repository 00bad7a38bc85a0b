// Changes the networks of a sandbox that is in use.
#include <algorithm>
#include <cerrno>

#include "network/link/namespace.hpp"
#include "network/link/sandbox_parts.hpp"

namespace consort {

using netlink::Batch;
using netlink::Socket;
using namespace sandbox_parts;

namespace {

bool same(const Endpoint& one, const Endpoint& other) {
  return one.network_id == other.network_id && one.ifname == other.ifname;
}

bool contains(std::span<const Endpoint> endpoints, const Endpoint& one) {
  return std::ranges::any_of(endpoints, [&](const Endpoint& other) { return same(one, other); });
}

// Ignores interfaces that do not exist.
Result<> delete_links(Socket& socket, std::span<const std::string> names) {
  Batch batch;
  for (const std::string& name : names) rtnetlink::delete_link(batch, name);
  for (const netlink::Failure& failure : TRY(socket.run(batch)))
    if (failure.error != ENODEV) return fail(Socket::error_of(batch, failure));
  return {};
}

// Deletes those interfaces that were to be created and have our mark.
Result<> delete_faces(Socket& inside, std::span<const Endpoint> added) {
  std::vector<std::string> names;
  for (const Endpoint& endpoint : added) {
    if (endpoint.parent.empty()) continue;
    const std::optional<rtnetlink::Link> link = TRY(rtnetlink::find_link(inside, endpoint.ifname));
    if (link && link->group == rtnetlink::link_group) names.push_back(endpoint.ifname);
  }
  return delete_links(inside, names);
}

// One family's default route.
struct Route {
  const Endpoint* by = nullptr;
  const std::optional<Address>* gateway = nullptr;
  explicit operator bool() const { return by != nullptr; }
};
Route route4(std::span<const Endpoint> endpoints) {
  const Endpoint* by = ways_out(endpoints).ipv4;
  return {by, by ? &by->gateway4 : nullptr};
}
Route route6(std::span<const Endpoint> endpoints) {
  const Endpoint* by = ways_out(endpoints).ipv6;
  return {by, by ? &by->gateway6 : nullptr};
}

// Sets it where it differs from before. A container may have changed its routes itself, and routes that we have not set
// are its own.
Result<> set_route(Socket& inside, const Route& before, const Route& after, SandboxChange::Known known) {
  const bool stays = before && after && same(*before.by, *after.by) && *before.gateway == *after.gateway;
  if (stays && known == SandboxChange::Known::yes) return {};
  Batch batch;
  if (after) {
    const int index = TRY(rtnetlink::link_index(inside, after.by->ifname));
    rtnetlink::set_default_route(batch, index, **after.gateway);
  } else if (before) {
    const auto link = TRY(rtnetlink::find_link(inside, before.by->ifname));
    if (!link) return {};  // the route was removed with its interface
    rtnetlink::delete_default_route(batch, link->index, **before.gateway);
  } else {
    return {};
  }
  for (const netlink::Failure& failure : TRY(inside.run(batch)))
    if (after || failure.error != ESRCH) return fail(Socket::error_of(batch, failure));
  return {};
}

Result<> set_routes(Socket& inside, const SandboxChange& change) {
  TRY(set_route(inside, route4(change.before), route4(change.after), change.before_is_known));
  return set_route(inside, route6(change.before), route6(change.after), change.before_is_known);
}

Result<> add_links(Socket& host, Socket& inside, std::span<const Endpoint> added, int netns,
                   std::vector<std::string>& made) {
  TRY(make_links(host, added, netns, made));
  Batch batch;
  for (const Endpoint& endpoint : added) {
    TRY(switch_ipv6(endpoint));
    bring_up(batch, TRY(rtnetlink::link_index(inside, endpoint.ifname)), endpoint);
  }
  return inside.transact(batch);
}

}  // namespace

Result<> HostLink::change_sandbox(Sandbox& sandbox, const SandboxChange& change) {
  std::vector<Endpoint> added;
  for (const Endpoint& endpoint : change.after)
    if (!contains(change.before, endpoint)) added.push_back(endpoint);
  const NamespaceVisit visit = TRY(NamespaceVisit::enter(state_->home.get(), sandbox.netns.get()));
  Socket inside = TRY(Socket::open(NETLINK_ROUTE));
  if (change.before_is_known == SandboxChange::Known::no) {
    std::vector<std::string> names;
    for (const Endpoint& endpoint : added) names.push_back(endpoint.ifname);
    TRY(delete_links(inside, names));
  }
  std::vector<std::string> made;
  Result<> changed = add_links(state_->routes, inside, added, sandbox.netns.get(), made);
  if (changed) changed = set_routes(inside, change);
  if (changed) {
    std::ranges::move(made, std::back_inserter(sandbox.host_links));
    return {};
  }
  // The names on the host are random and unique to us. Existing interfaces keep their route to the outside.
  Result<> undone = delete_links(state_->routes, made);
  if (undone) undone = delete_faces(inside, added);
  const SandboxChange back{change.after, change.before, SandboxChange::Known::no};
  for (const auto& route : {route4, route6}) {
    const Route before = route(back.after);
    if (before && contains(change.after, *before.by))
      (void)set_route(inside, route(back.before), before, back.before_is_known);
  }
  if (!undone) return fail(std::move(changed).error().also(std::move(undone).error()));
  return changed;
}

Result<> remove_links(int netns, std::span<const std::string> interfaces) {
  const Fd home = TRY(current_network_namespace());
  const NamespaceVisit visit = TRY(NamespaceVisit::enter(home.get(), netns));
  Socket inside = TRY(Socket::open(NETLINK_ROUTE));
  return delete_links(inside, interfaces);
}

}  // namespace consort
