// Who depends on whom: from the file, or from the labels of containers where no file is at hand.
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
  // Services that depend on it directly.
  std::vector<std::string> dependents(const std::string& service) const;
  std::vector<std::string> services() const;
  // Dependencies first, ties by name. A service in a cycle (labels can lie) comes where its name puts it.
  std::vector<std::string> order() const;
  bool contains(const std::string& service) const { return edges_.contains(service); }
  // The names and all that they depend on.
  std::set<std::string> with_dependencies(const std::vector<std::string>& names) const;

 private:
  std::map<std::string, std::map<std::string, compose::Dependency>> edges_;
};

}  // namespace consort::project
