// The implementation of plan_converge: an object that builds a plan in the order in which objects must be created.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "project/plan/container_spec.hpp"
#include "project/plan/converge.hpp"
#include "project/plan/graph.hpp"

namespace consort::project {

class Converger {
 public:
  Converger(const compose::Project& project, const Observed& observed, const ConvergeOptions& options)
      : project_(project), observed_(observed), options_(options), graph_(ServiceGraph::of(project)) {}
  Result<Plan> run();

 private:
  using Needs = std::vector<OperationId>;
  struct Replica {
    std::string name;
    std::string service;
    unsigned number = 1;
    const engine::Container* existing = nullptr;  // kept as it is; null: created by this plan
    bool running = false;                         // nothing in this plan stops it
    Needs made;                                   // operations after which it exists
    Needs up;                                     // operations after which it has been started
  };

  // How a kept container is moved to the network that replaces its current one.
  struct Move {
    std::shared_ptr<const engine::EndpointSpec> to;
    Needs needs;  // operations after which the network exists
  };

  // converge_networks.cpp
  OperationId add_create_network(const std::string& key, Needs needs, std::string cause);
  Result<> networks();
  Result<> network(const std::string& key, const compose::Network& network);
  void create_network(const std::string& key, const compose::Network& network);
  void replace_network(const std::string& key, const engine::Network& old);
  void warn_of_namesakes(const std::string& key, const engine::Network& used);
  Needs part(const engine::Network& old);
  void move(const engine::Network& old, const std::string& name, const Needs& needs);
  Needs connect_moved(const engine::Container& container);
  Result<Needs> connect_missing(const compose::Service& service, const engine::Container& container);
  void move_others();

  // converge_resources.cpp
  Result<> volumes();
  Result<> volume(const std::string& key, const compose::Volume& volume);
  void replace_volume(const std::string& key, const std::string& name);
  OperationId add_create_volume(const std::string& key, Needs needs, std::string cause);
  void orphans();
  OperationId stop_once(const engine::Container& container, Needs needs);

  // converge_containers.cpp
  Result<> service(const compose::Service& service);
  Result<> remove_replaced(const compose::Service& service);
  void warn_of_lacks(const compose::Service& service);
  Result<> check_partners(const compose::Service& service) const;
  Result<> check_name(const compose::Service& service) const;
  std::vector<const engine::Container*> containers_of(const std::string& service) const;
  std::optional<std::string> reason_to_recreate(const compose::Service& service,
                                                const engine::Container& container) const;
  Result<> converge_existing(const compose::Service& service, const engine::Container& container, Needs needs);
  Result<> recreate(const compose::Service& service, const engine::Container& old, const std::string& cause,
                    Needs needs);
  Needs stop_dependents(const std::string& service, OperationId after);
  Result<> create(const compose::Service& service, unsigned number, Needs needs);
  Result<> keep(const compose::Service& service, const engine::Container& container, Needs needs);
  Needs needs_of(const compose::Service& service) const;
  Result<std::shared_ptr<engine::ContainerSpec>> spec_of(const compose::Service& service, unsigned number) const;

  // converge_start.cpp
  Result<> start_all();
  Result<> start_service(const compose::Service& service, OperationId created);
  Result<Needs> pre_start(const compose::Service& service, const std::vector<Replica>& replicas, Needs needs);
  Needs remove_hooks(const std::string& service);
  ReplicaOptions replica_options(const compose::Service& service, unsigned number) const;
  Needs conditions(const compose::Service& service);
  OperationId await(const Replica& replica, Awaited awaited, Necessity necessity);
  void wait_for_all();

  const compose::Project& project_;
  const Observed& observed_;
  const ConvergeOptions& options_;
  ServiceGraph graph_;
  Plan plan_;
  std::map<std::string, Needs> network_ready_, volume_ready_;  // by key in the file
  std::map<std::string, std::vector<Move>> moves_;             // by container ID
  std::map<std::string, OperationId> stopped_;                 // by container ID
  std::set<std::string> gone_;                                 // IDs of containers that this plan removes
  std::set<std::string> recreated_;                            // services
  std::map<std::string, std::vector<Replica>> replicas_;       // by service
  std::map<std::tuple<std::string, Awaited, Necessity>, OperationId> awaits_;
};

}  // namespace consort::project
