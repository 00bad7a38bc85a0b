// network connect and disconnect: for containers of any project, running or not.
#include "base/narrow.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/filters.hpp"
#include "cli/workspace.hpp"

namespace consort::cli {

Result<int> run_network_connect(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const ParsedFlags& flags = invocation.flags;
  engine::EndpointSpec endpoint;
  endpoint.network = invocation.arguments[0];
  endpoint.aliases = flags.list("alias");
  endpoint.driver_opts = pairs_of(flags.list("driver-opt"));
  endpoint.gw_priority = saturated<int>(flags.integer("gw-priority").value_or(0));
  endpoint.ipv4 = flags.text("ip");
  endpoint.ipv6 = flags.text("ip6");
  endpoint.links = flags.list("link");
  endpoint.link_local_ips = flags.list("link-local-ip");
  if (invocation.dry_run) return 0;
  TRY(workspace->engine().connect_network(invocation.arguments[1], endpoint));
  return 0;
}

Result<int> run_network_disconnect(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  if (invocation.dry_run) return 0;
  const auto force = invocation.flags.on("force") ? engine::Force::yes : engine::Force::no;
  TRY(workspace->engine().disconnect_network(invocation.arguments[1], invocation.arguments[0], force));
  return 0;
}

}  // namespace consort::cli
