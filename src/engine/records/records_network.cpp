#include <algorithm>

#include "base/strings.hpp"
#include "engine/records/json_text.hpp"
#include "engine/records/records.hpp"
#include "engine/records/rows.hpp"

namespace consort::engine {

namespace {

constexpr const char* network_columns = "SELECT id, name, bridge, created, spec FROM engine_networks ";

Result<Network> read_network(SQLite::Statement& row) {
  Network network;
  network.id = row.getColumn(0).getString();
  network.spec = TRY(from_json<NetworkSpec>(row.getColumn(4).getString(), "network in state.db"));
  network.spec.name = row.getColumn(1).getString();
  network.bridge = row.getColumn(2).getString();
  network.created_at = to_time(row.getColumn(3).getInt64());
  return network;
}

Result<std::vector<Network>> read_networks(SQLite::Database& db) {
  SQLite::Statement rows(db, std::string(network_columns) + "ORDER BY created, name");
  std::vector<Network> networks;
  while (rows.executeStep()) networks.push_back(TRY(read_network(rows)));
  return networks;
}

// All endpoints on a container's networks, including its own.
Result<std::vector<EndpointRecord>> read_neighbours(SQLite::Database& db, const std::string& container_id) {
  SQLite::Statement rows(
      db,
      "SELECT e.container_id, e.network_id, e.spec, e.ipv4, e.ipv6, c.project FROM engine_endpoints e "
      "JOIN engine_containers c ON c.id = e.container_id WHERE e.network_id IN "
      "(SELECT network_id FROM engine_endpoints WHERE container_id = ?)");
  rows.bind(1, container_id);
  std::vector<EndpointRecord> neighbours;
  while (rows.executeStep()) {
    auto spec = TRY(from_json<EndpointSpec>(rows.getColumn(2).getString(), "endpoint in state.db"));
    neighbours.push_back({.container_id = rows.getColumn(0).getString(),
                          .network_id = rows.getColumn(1).getString(),
                          .spec = std::move(spec),
                          .ipv4 = rows.getColumn(3).getString(),
                          .ipv6 = rows.getColumn(4).getString(),
                          .project = rows.getColumn(5).getString()});
  }
  return neighbours;
}

EngineEvent network_event(const Network& network, const char* action) {
  return {.time = system_now(),
          .type = "network",
          .action = action,
          .id = network.id,
          .project = network.spec.project,
          .attributes = {{"name", network.spec.name}, {"type", network.spec.driver}}};
}

}  // namespace

Result<std::vector<Records::Lease>> Records::lease_with(const std::string& id, const Chooser& choose) {
  return database_->transaction("lease addresses", [&](SQLite::Database& db) -> Result<std::vector<Lease>> {
    std::vector<EndpointRecord> neighbours = TRY(read_neighbours(db, id));
    std::vector<Lease> chosen = TRY(choose(std::move(neighbours)));
    // In two steps, so that a lease taken over from a container that has ended does not clash with its old row.
    for (const Lease& lease : chosen) {
      execute(db, "UPDATE engine_endpoints SET ipv4 = '' WHERE network_id = ? AND ipv4 = ?", lease.network_id,
              lease.ipv4);
      execute(db, "UPDATE engine_endpoints SET ipv6 = '' WHERE network_id = ? AND ipv6 = ?", lease.network_id,
              lease.ipv6);
      execute(db, "UPDATE engine_endpoints SET ipv4 = ?, ipv6 = ? WHERE container_id = ? AND network_id = ?",
              lease.ipv4, lease.ipv6, id, lease.network_id);
    }
    execute(db, "UPDATE engine_containers SET wanted = ? WHERE id = ?", static_cast<int>(Wanted::running), id);
    return chosen;
  });
}

Result<> Records::release_leases(const std::string& id, Wanted wanted) {
  return database_->transaction("release addresses", [&](SQLite::Database& db) {
    execute(db, "UPDATE engine_endpoints SET ipv4 = '', ipv6 = '' WHERE container_id = ?", id);
    execute(db, "UPDATE engine_containers SET wanted = ? WHERE id = ?", static_cast<int>(wanted), id);
  });
}

Result<> Records::put_endpoint(const EndpointRecord& endpoint) {
  return database_->transaction("record endpoint", [&](SQLite::Database& db) -> Result<> {
    execute(db,
            "INSERT INTO engine_endpoints(container_id, network_id, position, spec) VALUES(?1, ?2, 1000000, ?3) "
            "ON CONFLICT(container_id, network_id) DO UPDATE SET spec = ?3",
            endpoint.container_id, endpoint.network_id, to_json(endpoint.spec));
    std::vector<EndpointRecord> all;
    SQLite::Statement rows(
        db, "SELECT network_id, spec FROM engine_endpoints WHERE container_id = ? ORDER BY position, network_id");
    rows.bind(1, endpoint.container_id);
    while (rows.executeStep()) {
      EndpointSpec spec = TRY(from_json<EndpointSpec>(rows.getColumn(1).getString(), "endpoint in state.db"));
      all.push_back({.container_id = endpoint.container_id,
                     .network_id = rows.getColumn(0).getString(),
                     .spec = std::move(spec),
                     .ipv4 = {},
                     .ipv6 = {},
                     .project = {}});
    }
    std::ranges::stable_sort(all, attaches_before, &EndpointRecord::spec);
    for (std::size_t i = 0; i < all.size(); ++i)
      execute(db, "UPDATE engine_endpoints SET position = ? WHERE container_id = ? AND network_id = ?",
              static_cast<std::int64_t>(i), endpoint.container_id, all[i].network_id);
    return {};
  });
}

Result<> Records::remove_endpoint(const std::string& container_id, const std::string& network_id,
                                  const std::optional<EngineEvent>& event) {
  return database_->transaction("forget endpoint", [&](SQLite::Database& db) {
    execute(db, "DELETE FROM engine_endpoints WHERE container_id = ? AND network_id = ?", container_id, network_id);
    if (event) insert_event(db, *event);
  });
}

Result<Network> Records::add_network(Network network, const NetworkChooser& choose) {
  return database_->transaction("record network", [&](SQLite::Database& db) -> Result<Network> {
    const std::vector<Network> others = TRY(read_networks(db));
    for (const Network& other : others)
      if (other.spec.name == network.spec.name)
        return fail(Error(Code::conflict, "network with name " + network.spec.name + " already exists"));
    TRY(choose(network, others));
    execute(db, "INSERT INTO engine_networks(id, name, bridge, created, spec) VALUES(?, ?, ?, ?, ?)", network.id,
            network.spec.name, network.bridge, to_number(network.created_at), to_json(network.spec));
    insert_event(db, network_event(network, "create"));
    return std::move(network);
  });
}

Result<Network> Records::find_network(const std::string& text) {
  return database_->query("find network", [&](SQLite::Database& db) -> Result<Network> {
    // A name wins over an id, and an id over a prefix of one.
    SQLite::Statement row(db, std::string(network_columns) +
                                  "WHERE name = ?1 OR id = ?1 OR (?2 AND id >= ?1 AND id < ?1 || 'g') "
                                  "ORDER BY name != ?1, id != ?1 LIMIT 1");
    bind_all(row, 1, text, text.size() >= 8 && is_hex(text) ? 1 : 0);
    if (!row.executeStep()) return fail(Error(Code::not_found, "network " + text + " not found"));
    return read_network(row);
  });
}

Result<std::vector<Network>> Records::list_networks() {
  return database_->query("list networks", [](SQLite::Database& db) { return read_networks(db); });
}

Result<std::vector<Records::ActiveEndpoint>> Records::leases_of_network(const std::string& network_id) {
  return database_->query("list endpoints", [&](SQLite::Database& db) {
    SQLite::Statement rows(db,
                           "SELECT c.id, c.name, c.project FROM engine_endpoints e JOIN engine_containers c "
                           "ON c.id = e.container_id WHERE e.network_id = ? AND (e.ipv4 != '' OR e.ipv6 != '') "
                           "ORDER BY c.name");
    rows.bind(1, network_id);
    std::vector<ActiveEndpoint> active;
    while (rows.executeStep())
      active.push_back({rows.getColumn(0).getString(), rows.getColumn(1).getString(), rows.getColumn(2).getString()});
    return active;
  });
}

Result<> Records::forget_network(const std::string& id, const EngineEvent& event) {
  return database_->transaction("forget network", [&](SQLite::Database& db) {
    execute(db, "DELETE FROM engine_networks WHERE id = ?", id);
    insert_event(db, event);
  });
}

}  // namespace consort::engine
