// The engine's implementation, private to this module: the open stores, and steps that several operations need.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/sqlite/database.hpp"
#include "engine/engine.hpp"
#include "engine/records/records.hpp"
#include "engine/start/ahead.hpp"
#include "engine/start/host.hpp"
#include "engine/start/users.hpp"
#include "image/store.hpp"
#include "place/place.hpp"
#include "supervisor/client.hpp"
#include "supervisor/unit.hpp"
#include "volume/volume.hpp"

namespace consort::engine {

struct OciInput;
struct SecurityOptions;

inline constexpr const char* default_network = "bridge";
enum class InternalResolver : std::uint8_t { no, yes };  // yes: 127.0.0.11, on user networks

class Engine::Impl {
 public:
  Impl(Roots the_roots, image::Store the_store, Database the_database)
      : roots(std::move(the_roots)),
        store(std::move(the_store)),
        database(std::move(the_database)),
        records(database) {}

  Roots roots;
  image::Store store;
  Database database;
  Records records;
  Ahead ahead;         // see expect_start()
  place::Place place;  // of a non-root user: networks are created in it
  // With supervisors that are stopped.
  std::shared_ptr<supervisor::Patience> patience = std::make_shared<supervisor::Patience>();

  const HostInfo& host();
  supervisor::Client client(const std::string& project) const { return supervisor::Client(roots, project, patience); }

  // --- images
  struct ImageFacts {
    image::Image image;
    image::ImageConfig config;
    std::vector<std::string> layers;  // directories, top first
  };
  Result<std::shared_ptr<const ImageFacts>> image_facts(const std::string& reference_or_id);

  // --- containers
  // While held, no other thread or process starts, stops or removes this container. Code::interrupted: cancel_fd
  // (borrowed) became readable while somebody else had it.
  Result<Fd> lock_container(const std::string& id, int cancel_fd = -1) const;
  bool is_locked(const std::string& id) const;  // now, by anyone
  // While held, sweep() removes nothing: a bundle is being created that no record names yet.
  Result<Fd> guard_creations() const;
  bool is_held(const std::string& id) const;  // see CreatedContainer
  // Ids of those among them that are to go, are over, and are nobody's: see Engine::remove_left_behind().
  Result<std::set<std::string>> left_behind(const std::vector<Container>& containers);
  Result<ContainerRecord> load(const std::string& id_or_name);
  Result<ContainerState> observe(const std::string& project, const std::string& id) const;
  // Reads only the run directory and asks the kernel, so it is correct even while a supervisor is being replaced.
  bool is_alive(const std::string& project, const std::string& id) const;
  // Fills in states and addresses.
  Result<> join_states(std::vector<Container>& containers) const;
  Result<int> running_pid(const std::string& id_or_name);  // Code::conflict "container X is not running"
  // The container's /proc/PID as a descriptor, so that it never refers to another process:
  // base/os/processes/process_directory.hpp. Code::conflict if it is not running.
  Result<Fd> process_directory(const std::string& id_or_name);
  Result<std::string> cgroup_of(const std::string& id);  // of a running container
  EngineEvent container_event(const Container& container, const char* action, StringMap more = {}) const;
  // Adds an event to the project's journal, which the supervisor writes to as well. Errors are ignored.
  void note(const Container& container, const std::string& action, StringMap more = {}) const;

  // --- start: start/bundle.cpp, unit.cpp, shared_memory.cpp, seccomp.cpp
  // Make the files that are mounted into /etc, and config.json. The record's endpoints must have their addresses.
  Result<std::string> make_resolv_conf_of(const ContainerSpec& spec, InternalResolver resolver) const;
  Result<ContainerUsers> write_bundle(const ContainerRecord& record, const std::vector<Network>& networks);
  Result<supervisor::ContainerUnit> make_unit(const ContainerRecord& record, const std::vector<Network>& networks,
                                              const ContainerUsers& users);
  // Code::invalid: the settings file cannot be read.
  Result<ContainerUsers> choose_users(const ContainerRecord& record, std::uint64_t capabilities,
                                      const std::vector<runtime::Mount>& mounts) const;
  // A warning, once per command, if the settings ask for user namespaces but this machine cannot provide them;
  // otherwise "".
  std::string warn_of_users(const ContainerSpec& spec);
  supervisor::MadeAhead make_ahead(const supervisor::ContainerUnit& unit);
  // Writes the compiled filter to bundle/seccomp.bpf, or puts its JSON into the input for another runtime.
  Result<> add_seccomp(const ContainerRecord& record, OciInput& input);
  Result<std::string> compiled_filter(const SecurityOptions& security, std::uint64_t capabilities);
  // The /dev/shm that containers with a shared IPC namespace use.
  Result<> add_shared_memory(const ContainerRecord& record, OciInput& input);
  void remove_shared_memory(const std::string& id) const;

  // --- networks
  Result<Network> ensure_default_network();
  Result<> ensure_bridge(const Network& network) const;
  Result<std::string> host_gateway();
  // Turns "NAME[:ALIAS]" into "ID:ALIAS".
  Result<> resolve_links(Strings& links);
  // interfaces: the container's current interface names by network; if empty, they are eth0, eth1, ... in order of
  // attachment.
  std::vector<supervisor::EndpointUnit> make_endpoints(const ContainerRecord& record,
                                                       const std::vector<Network>& networks,
                                                       const StringMap& interfaces = {}) const;
  // Chooses addresses for all endpoints of a container that is running or about to start, and fills them in.
  Result<> lease_addresses(ContainerRecord& record, const std::vector<Network>& networks);

  // --- volumes
  Result<Volume> ensure_volume(const VolumeSpec& spec);
  Result<volume::Recorded> is_recorded(const std::string& volume);
  Result<> remove_volume(const std::string& name);
  Result<> settle_volumes();  // finishes interrupted removals
  Result<> sweep_containers();
  void sweep_project_directories();
  void sweep_names();
  bool forget_crashes() const;
  Result<> sweep_abandoned();  // leftovers of interrupted creations and removals
  Result<> unmount_unused(const ContainerRecord& record);
  std::string container_directory(const std::string& id) const { return roots.container(id); }
  std::string log_of(const std::string& id) const { return container_directory(id) + "/log"; }

 private:
  std::once_flag host_once_;
  std::atomic_flag users_told_;
  HostInfo host_;
  std::mutex sandbox_mutex_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const ImageFacts>> images_;  // by image ID, for the lifetime of this engine
  std::map<std::string, std::string> filters_;                       // seccomp: key -> path of the compiled filter
};

// "host" and "none", which always exist and have no record.
std::optional<Network> built_in_network(const std::string& name_or_id);
// Pairs of alias and ID for all links of a container.
std::vector<std::pair<std::string, std::string>> link_aliases_of(const ContainerRecord& record);

// Whether all wanted labels are present; an empty value matches any.
bool matches_labels(const StringMap& labels, const StringMap& wanted);
std::uint64_t capabilities_of(const ContainerSpec& spec);

}  // namespace consort::engine
