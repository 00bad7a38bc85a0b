// The engine's tables in state.db: what is wanted, and which addresses are taken. This layer reads and writes rows; it
// makes no decisions beyond what a constraint can express. Related changes are one transaction.
//
//   engine_containers  one row per container; summary, spec and process are JSON (json_text.hpp)
//   engine_endpoints   a container's endpoint on a network; ipv4/ipv6 are its leases, '' if it holds none
//   engine_networks, engine_volumes, engine_mounted (which container uses which volume), engine_events
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engine/engine.hpp"
#include "engine/types.hpp"

namespace consort {
class Database;
}
namespace SQLite {
class Database;
}

namespace consort::engine {

enum class Wanted : std::uint8_t { stopped, running };

struct EndpointRecord {
  std::string container_id;
  std::string network_id;
  EndpointSpec spec;
  std::string ipv4, ipv6;  // leases
  std::string project;     // of the container; set only by lease_with()
};

// Order of attachment: highest priority first, then by name.
bool attaches_before(const EndpointSpec& one, const EndpointSpec& other);

struct ContainerRecord {
  Container summary;  // its networks are filled in from the endpoints
  Wanted wanted = Wanted::stopped;
  ContainerSpec spec;
  ProcessConfig process;
  std::string hostname, domainname;
  std::vector<EndpointRecord> endpoints;  // in order of attachment
};

class Records {
 public:
  explicit Records(Database& database) : database_(&database) {}

  Result<> create_tables();

  // --- containers
  // Changes to another module's tables in the same file, made in the same transaction as a record.
  using Within = std::function<void(SQLite::Database& transaction)>;
  // Code::conflict with Docker's message if the name is taken.
  Result<> add_container(const ContainerRecord& record, std::span<const std::string> volumes, const EngineEvent& event,
                         const Within& also = {});
  // By ID, name or unique prefix of an ID. Code::not_found: "No such container: X".
  Result<std::string> find_container(const std::string& text);
  Result<ContainerRecord> load_container(const std::string& id);
  // Without state; networks have names and leases. Oldest first.
  Result<std::vector<Container>> list_containers(const std::optional<std::string>& project,
                                                 const std::optional<std::string>& service);
  Result<> rename_container(const std::string& id, const std::string& name, const EngineEvent& event);
  // `also` runs before the event is recorded, with the time of recording.
  Result<> forget_container(const std::string& id, EngineEvent event, const Within& also = {});
  Result<std::set<std::string>> projects();  // that have containers
  Result<Strings> container_ids();
  Result<std::set<std::string>> auto_removed(const std::optional<std::string>& project);  // ids

  // --- leases
  // Runs choose(neighbours) within one transaction; neighbours are all endpoints on the container's networks. Stores
  // the result as the container's leases (taken from others if necessary) and marks the container as wanted to run.
  struct Lease {
    std::string network_id;
    std::string ipv4, ipv6;
  };
  using Chooser = std::function<Result<std::vector<Lease>>(std::vector<EndpointRecord> neighbours)>;
  Result<std::vector<Lease>> lease_with(const std::string& id, const Chooser& choose);
  Result<> release_leases(const std::string& id, Wanted wanted);
  Result<> set_wanted(const std::string& id, Wanted wanted);
  // Inserts it at the position given by its priority and name, or replaces the endpoint on the same network.
  Result<> put_endpoint(const EndpointRecord& endpoint);
  Result<> remove_endpoint(const std::string& container_id, const std::string& network_id,
                           const std::optional<EngineEvent>& event = {});

  // --- networks
  // choose(network, others) fills in pools and bridge within the transaction.
  using NetworkChooser = std::function<Result<>(Network& network, const std::vector<Network>& others)>;
  Result<Network> add_network(Network network, const NetworkChooser& choose);
  Result<Network> find_network(const std::string& text);  // Code::not_found: "network X not found"
  Result<std::vector<Network>> list_networks();
  struct ActiveEndpoint {
    std::string container_id, container_name, project;
  };
  Result<std::vector<ActiveEndpoint>> leases_of_network(const std::string& network_id);
  Result<> forget_network(const std::string& id, const EngineEvent& event);

  // --- volumes
  Result<std::pair<Volume, bool>> add_volume(const Volume& volume);  // the existing or new one; true if new
  Result<Volume> find_volume(const std::string& name);               // Code::not_found: "get X: no such volume"
  Result<std::vector<Volume>> list_volumes();
  Result<Strings> users_of_volume(const std::string& name);  // container IDs
  // Code::conflict: "remove X: volume is in use - [ids]".
  Result<> check_volume_unused(const std::string& name);
  Result<> forget_volume(const std::string& name);
  // false: it is in use or does not exist.
  static bool forget_volume_within(SQLite::Database& transaction, const std::string& name);

  // --- events
  Result<std::uint64_t> last_event();  // its serial number
  Result<std::vector<EngineEvent>> events(std::uint64_t after, const std::string& project);
  // The attributes with which these containers were created or removed, by ID, if they are still remembered.
  Result<std::map<std::string, StringMap>> remembered_attributes(const std::string& project,
                                                                 const std::set<std::string>& ids);

 private:
  Database* database_;
};

}  // namespace consort::engine
