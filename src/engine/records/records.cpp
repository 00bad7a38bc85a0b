#include "engine/records/records.hpp"

#include "base/sqlite/migrations.hpp"
#include "base/sqlite/snapshot.hpp"
#include "base/strings.hpp"
#include "engine/checks/network_options.hpp"
#include "engine/records/json_text.hpp"
#include "engine/records/leases.hpp"
#include "engine/records/rows.hpp"

namespace consort::engine {

namespace {

constexpr const char* first_schema = R"(
CREATE TABLE IF NOT EXISTS engine_containers(
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, project TEXT NOT NULL, service TEXT NOT NULL, number INTEGER NOT NULL,
  oneoff INTEGER NOT NULL, image_id TEXT NOT NULL, created INTEGER NOT NULL, wanted INTEGER NOT NULL,
  hostname TEXT NOT NULL, domainname TEXT NOT NULL, summary TEXT NOT NULL, spec TEXT NOT NULL, process TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS engine_containers_project ON engine_containers(project);
CREATE TABLE IF NOT EXISTS engine_networks(
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, bridge TEXT NOT NULL, created INTEGER NOT NULL, spec TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS engine_endpoints(
  container_id TEXT NOT NULL REFERENCES engine_containers(id) ON DELETE CASCADE, network_id TEXT NOT NULL,
  position INTEGER NOT NULL, spec TEXT NOT NULL, ipv4 TEXT NOT NULL DEFAULT '', ipv6 TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(container_id, network_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS engine_leases4 ON engine_endpoints(network_id, ipv4) WHERE ipv4 != '';
CREATE UNIQUE INDEX IF NOT EXISTS engine_leases6 ON engine_endpoints(network_id, ipv6) WHERE ipv6 != '';
CREATE TABLE IF NOT EXISTS engine_volumes(
  name TEXT PRIMARY KEY, anonymous INTEGER NOT NULL, created INTEGER NOT NULL, spec TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS engine_mounted(
  volume TEXT NOT NULL REFERENCES engine_volumes(name),
  container_id TEXT NOT NULL REFERENCES engine_containers(id) ON DELETE CASCADE,
  PRIMARY KEY(volume, container_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS engine_mounted_container ON engine_mounted(container_id);
CREATE TABLE IF NOT EXISTS engine_events(
  serial INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, type TEXT NOT NULL, action TEXT NOT NULL,
  id TEXT NOT NULL, project TEXT NOT NULL, attributes TEXT NOT NULL
);
)";
constexpr const char* migrations[] = {first_schema};

constexpr const char* summary_columns =
    "id, name, project, service, number, oneoff, image_id, created, wanted, hostname, domainname, summary";

Result<Container> read_summary(SQLite::Statement& row) {
  Container container = TRY(from_json<Container>(row.getColumn(11).getString(), "container in state.db"));
  container.id = row.getColumn(0).getString();
  container.name = row.getColumn(1).getString();
  container.project = row.getColumn(2).getString();
  container.service = row.getColumn(3).getString();
  container.number = row.getColumn(4).getUInt();
  container.oneoff = row.getColumn(5).getInt() != 0;
  container.image_id = row.getColumn(6).getString();
  container.created_at = to_time(row.getColumn(7).getInt64());
  return container;
}

void insert_endpoint(SQLite::Database& db, const EndpointRecord& endpoint, int position) {
  execute(db, "INSERT INTO engine_endpoints(container_id, network_id, position, spec) VALUES(?, ?, ?, ?)",
          endpoint.container_id, endpoint.network_id, position, to_json(endpoint.spec));
}

Result<> check_name_free(SQLite::Database& db, const std::string& name) {
  SQLite::Statement taken(db, "SELECT id FROM engine_containers WHERE name = ?");
  taken.bind(1, name);
  if (!taken.executeStep()) return {};
  return fail(Error(Code::conflict, "Conflict. The container name \"/" + name + "\" is already in use by container \"" +
                                        taken.getColumn(0).getString() +
                                        "\". You have to remove (or rename) that container to be able to reuse that "
                                        "name.")
                  .about(Subject::container_name, name));
}

// What endpoints show of their networks; each network is read once.
struct ShownNetwork {
  Gateways gateways;
  bool bridged = true;
};
using ShownNetworks = std::map<std::string, ShownNetwork>;

Endpoint show_endpoint(const EndpointRecord& record, SQLite::Statement& row, ShownNetworks& networks) {
  Endpoint endpoint;
  const std::string network_name = row.getColumn(5).getString();
  auto known = networks.find(record.network_id);
  if (known == networks.end()) {
    Network network;
    if (auto spec = from_json<NetworkSpec>(row.getColumn(6).getString(), "network in state.db"))
      network.spec = std::move(*spec);  // else it is gone
    known = networks.emplace(record.network_id, ShownNetwork{gateways_of(network), !face_of(network.spec)}).first;
  }
  endpoint.prefix4 = static_cast<int>(known->second.gateways.prefix4);
  endpoint.prefix6 = static_cast<int>(known->second.gateways.prefix6);
  endpoint.bridged = known->second.bridged;
  endpoint.network = network_name.empty() ? record.spec.network : network_name;
  endpoint.network_id = record.network_id;
  endpoint.aliases = record.spec.aliases;
  endpoint.ipv4 = record.ipv4;
  endpoint.ipv6 = record.ipv6;
  endpoint.mac_address = record.spec.mac_address;
  endpoint.wanted = record.spec;
  return endpoint;
}

constexpr const char* endpoint_query =
    "SELECT e.container_id, e.network_id, e.spec, e.ipv4, e.ipv6, n.name, n.spec FROM engine_endpoints e "
    "LEFT JOIN engine_networks n ON n.id = e.network_id ";

Result<EndpointRecord> read_endpoint(SQLite::Statement& row) {
  auto spec = TRY(from_json<EndpointSpec>(row.getColumn(2).getString(), "endpoint in state.db"));
  return EndpointRecord{.container_id = row.getColumn(0).getString(),
                        .network_id = row.getColumn(1).getString(),
                        .spec = std::move(spec),
                        .ipv4 = row.getColumn(3).getString(),
                        .ipv6 = row.getColumn(4).getString()};
}

}  // namespace

bool attaches_before(const EndpointSpec& one, const EndpointSpec& other) {
  return one.priority != other.priority ? one.priority > other.priority : one.network < other.network;
}

Result<> Records::create_tables() {
  return migrate(*database_, "engine", migrations);
}

Result<> Records::add_container(const ContainerRecord& record, std::span<const std::string> volumes,
                                const EngineEvent& event, const Within& also) {
  const Container& c = record.summary;
  const std::string summary = to_json(c);
  const std::string spec = to_json(record.spec);
  const std::string process = to_json(record.process);
  return database_->transaction("record container", [&](SQLite::Database& db) -> Result<> {
    TRY(check_name_free(db, c.name));
    execute(db,
            "INSERT INTO engine_containers(id, name, project, service, number, oneoff, image_id, created, wanted, "
            "hostname, domainname, summary, spec, process) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            c.id, c.name, c.project, c.service, c.number, c.oneoff ? 1 : 0, c.image_id, to_number(c.created_at),
            static_cast<int>(record.wanted), record.hostname, record.domainname, summary, spec, process);
    int position = 0;
    for (const EndpointRecord& endpoint : record.endpoints) insert_endpoint(db, endpoint, position++);
    for (const std::string& volume : volumes)
      execute(db, "INSERT OR IGNORE INTO engine_mounted(volume, container_id) VALUES(?, ?)", volume, c.id);
    insert_event(db, event);
    if (also) also(db);
    return {};
  });
}

Result<std::string> Records::find_container(const std::string& text) {
  const auto none = [&] { return fail(Error(Code::not_found, "No such container: " + text)); };
  if (text.empty()) return none();
  return database_->query("find container", [&](SQLite::Database& db) -> Result<std::string> {
    SQLite::Statement exact(db, "SELECT id FROM engine_containers WHERE id = ?1 OR name = ?2");
    bind_all(exact, 1, text, text.starts_with('/') ? text.substr(1) : text);
    if (exact.executeStep()) return exact.getColumn(0).getString();
    if (!is_hex(text)) return none();
    SQLite::Statement prefix(db, "SELECT id FROM engine_containers WHERE id >= ?1 AND id < ?1 || 'g' LIMIT 2");
    prefix.bind(1, text);
    if (!prefix.executeStep()) return none();
    std::string id = prefix.getColumn(0).getString();
    if (prefix.executeStep()) return fail(Error(Code::invalid, "multiple IDs found with provided prefix: " + text));
    return id;
  });
}

Result<ContainerRecord> Records::load_container(const std::string& id) {
  return database_->query("load container", [&](SQLite::Database& db) -> Result<ContainerRecord> {
    const Snapshot snapshot(db);
    SQLite::Statement row(
        db, std::string("SELECT ") + summary_columns + ", spec, process FROM engine_containers WHERE id = ?");
    row.bind(1, id);
    if (!row.executeStep()) return fail(Error(Code::not_found, "No such container: " + id));
    ContainerRecord record;
    record.summary = TRY(read_summary(row));
    record.wanted = static_cast<Wanted>(row.getColumn(8).getInt());
    record.hostname = row.getColumn(9).getString();
    record.domainname = row.getColumn(10).getString();
    record.spec = TRY(from_json<ContainerSpec>(row.getColumn(12).getString(), "container in state.db"));
    record.process = TRY(from_json<ProcessConfig>(row.getColumn(13).getString(), "container in state.db"));
    SQLite::Statement rows(db, std::string(endpoint_query) + "WHERE e.container_id = ? ORDER BY e.position");
    rows.bind(1, id);
    ShownNetworks shown;
    while (rows.executeStep()) {
      EndpointRecord endpoint = TRY(read_endpoint(rows));
      record.summary.networks.push_back(show_endpoint(endpoint, rows, shown));
      record.endpoints.push_back(std::move(endpoint));
    }
    return record;
  });
}

Result<std::vector<Container>> Records::list_containers(const std::optional<std::string>& project,
                                                        const std::optional<std::string>& service) {
  return database_->query("list containers", [&](SQLite::Database& db) -> Result<std::vector<Container>> {
    const Snapshot snapshot(db);
    const std::string where = project ? " WHERE project = ?1" : "";
    std::vector<Container> containers;
    std::map<std::string, std::size_t> places;
    SQLite::Statement rows(
        db, std::string("SELECT ") + summary_columns + " FROM engine_containers" + where + " ORDER BY created, name");
    if (project) rows.bind(1, *project);
    while (rows.executeStep()) {
      if (service && rows.getColumn(3).getString() != *service) continue;
      Container container = TRY(read_summary(rows));
      places.emplace(container.id, containers.size());
      containers.push_back(std::move(container));
    }
    if (containers.empty()) return containers;
    SQLite::Statement ends(
        db, std::string(endpoint_query) +
                (project ? "WHERE e.container_id IN (SELECT id FROM engine_containers WHERE project = ?1) " : "") +
                "ORDER BY e.container_id, e.position");
    if (project) ends.bind(1, *project);
    ShownNetworks shown;
    while (ends.executeStep()) {
      const auto place = places.find(ends.getColumn(0).getString());
      if (place == places.end()) continue;
      const EndpointRecord endpoint = TRY(read_endpoint(ends));
      containers[place->second].networks.push_back(show_endpoint(endpoint, ends, shown));
    }
    return containers;
  });
}

Result<> Records::rename_container(const std::string& id, const std::string& name, const EngineEvent& event) {
  return database_->transaction("rename container", [&](SQLite::Database& db) -> Result<> {
    TRY(check_name_free(db, name));
    execute(db, "UPDATE engine_containers SET name = ? WHERE id = ?", name, id);
    insert_event(db, event);
    return {};
  });
}

Result<> Records::forget_container(const std::string& id, EngineEvent event, const Within& also) {
  return database_->transaction("forget container", [&](SQLite::Database& db) {
    execute(db, "DELETE FROM engine_containers WHERE id = ?", id);
    if (also) also(db);
    event.time = system_now();
    insert_event(db, event);
  });
}

Result<std::set<std::string>> Records::projects() {
  return database_->query("list projects", [&](SQLite::Database& db) {
    std::set<std::string> names;
    SQLite::Statement rows(db, "SELECT DISTINCT project FROM engine_containers");
    while (rows.executeStep()) names.insert(rows.getColumn(0).getString());
    return names;
  });
}

Result<Strings> Records::container_ids() {
  return database_->query("list containers", [&](SQLite::Database& db) {
    Strings ids;
    SQLite::Statement rows(db, "SELECT id FROM engine_containers");
    while (rows.executeStep()) ids.push_back(rows.getColumn(0).getString());
    return ids;
  });
}

// By a search in the text, because every list of containers asks: a spec takes many times longer to parse.
Result<std::set<std::string>> Records::auto_removed(const std::optional<std::string>& project) {
  return database_->query("list containers", [&](SQLite::Database& db) {
    std::set<std::string> ids;
    SQLite::Statement rows(db, std::string("SELECT id FROM engine_containers WHERE ") +
                                   (project ? "project = ?2 AND " : "") + "instr(spec, ?1) > 0");
    rows.bind(1, R"("auto_remove":true)");
    if (project) rows.bind(2, *project);
    while (rows.executeStep()) ids.insert(rows.getColumn(0).getString());
    return ids;
  });
}

Result<> Records::set_wanted(const std::string& id, Wanted wanted) {
  return database_->query("record state of container", [&](SQLite::Database& db) {
    execute(db, "UPDATE engine_containers SET wanted = ? WHERE id = ?", static_cast<int>(wanted), id);
  });
}

}  // namespace consort::engine
