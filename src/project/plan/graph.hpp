// Dependencies between services: from the file, or from the containers' labels if there is no file.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compose/model.hpp"
#include "engine/types.hpp"

namespace consort::project {

class ServiceGraph {
 public:
  static ServiceGraph of(const compose::Project& project);
  static ServiceGraph of(const std::vector<engine::Container>& containers);

  void add(const std::string& service, const std::map<std::string, compose::Dependency>& dependencies) {
    edges_[service] = dependencies;
  }

  const std::map<std::string, compose::Dependency>& dependencies(const std::string& service) const;
  // Services that directly depend on it.
  std::vector<std::string> dependents(const std::string& service) const;
  std::vector<std::string> services() const;
  // Dependencies first, ties by name. A service in a cycle (labels can be wrong) comes in the order of names.
  std::vector<std::string> order() const;
  bool contains(const std::string& service) const { return edges_.contains(service); }
  // The named services and all their dependencies.
  std::set<std::string> with_dependencies(const std::vector<std::string>& names) const;

 private:
  std::map<std::string, std::map<std::string, compose::Dependency>> edges_;
};

}  // namespace consort::project
