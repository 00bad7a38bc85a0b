#include "project/plan/graph.hpp"

#include "project/plan/names.hpp"

namespace consort::project {

ServiceGraph ServiceGraph::of(const compose::Project& project) {
  ServiceGraph graph;
  for (const auto& [name, service] : project.services) graph.edges_[name] = service.depends_on;
  return graph;
}

ServiceGraph ServiceGraph::of(const std::vector<engine::Container>& containers) {
  ServiceGraph graph;
  for (const engine::Container& container : containers) {
    auto& edges = graph.edges_[container.service];
    if (const auto found = container.labels.find(label::depends_on); found != container.labels.end())
      edges.merge(parse_depends_on(found->second));
  }
  return graph;
}

const std::map<std::string, compose::Dependency>& ServiceGraph::dependencies(const std::string& service) const {
  static const std::map<std::string, compose::Dependency> none;
  const auto found = edges_.find(service);
  return found == edges_.end() ? none : found->second;
}

std::vector<std::string> ServiceGraph::dependents(const std::string& service) const {
  std::vector<std::string> result;
  for (const auto& [name, dependencies] : edges_)
    if (dependencies.contains(service)) result.push_back(name);
  return result;
}

std::vector<std::string> ServiceGraph::services() const {
  std::vector<std::string> result;
  for (const auto& [name, dependencies] : edges_) result.push_back(name);
  return result;
}

std::vector<std::string> ServiceGraph::order() const {
  std::vector<std::string> result;
  std::set<std::string> seen;
  const std::function<void(const std::string&)> visit = [&](const std::string& name) {
    if (!seen.insert(name).second) return;
    for (const auto& [dependency, how] : dependencies(name))
      if (edges_.contains(dependency)) visit(dependency);
    result.push_back(name);
  };
  for (const auto& [name, dependencies] : edges_) visit(name);
  return result;
}

std::set<std::string> ServiceGraph::with_dependencies(const std::vector<std::string>& names) const {
  std::set<std::string> result;
  std::vector<std::string> left = names;
  while (!left.empty()) {
    const std::string name = std::move(left.back());
    left.pop_back();
    if (!result.insert(name).second) continue;
    for (const auto& [dependency, how] : dependencies(name)) left.push_back(dependency);
  }
  return result;
}

}  // namespace consort::project
