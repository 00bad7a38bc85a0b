// Selects services: a new Project with some of them, in an order in which they can start.
#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.hpp"
#include "compose/compose.hpp"
#include "compose/jobs.hpp"
#include "compose/model/codec.hpp"
#include "compose/passes/finish.hpp"
#include "compose/passes/merge.hpp"
#include "compose/passes/suggest.hpp"
#include "compose/render/emit.hpp"

namespace consort::compose {

std::optional<Error> is_job_only(const Project& project, const std::string& name) {
  if (project.services.contains(name) || project.disabled_services.contains(name)) return std::nullopt;
  if (!project.jobs.contains(name) && !project.disabled_jobs.contains(name)) return std::nullopt;
  return Error(Code::invalid, "\"" + name + "\" is a job, which only `run` and its schedule start");
}

Result<Project> project_with_services(const Project& project, std::span<const std::string> names,
                                      Dependencies dependencies) {
  if (names.empty()) return project;
  std::set<std::string> wanted;
  std::vector<std::string> todo(names.begin(), names.end());
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    const auto found = project.services.find(name);
    if (found == project.services.end()) {
      if (auto refused = is_job_only(project, name)) return fail(std::move(*refused));
      std::vector<std::string> known;
      for (const auto& each : project.services) known.push_back(each.first);
      Error error(Code::not_found, "no such service: " + name);
      if (const auto near = nearest(name, known))
        return std::unexpected(std::move(error).hint("did you mean `" + *near + "`?"));
      return std::unexpected(std::move(error));
    }
    if (!wanted.insert(name).second || dependencies == Dependencies::ignore) continue;
    for (const auto& [next, dependency] : found->second.depends_on) {
      if (project.services.contains(next) || dependency.required) todo.push_back(next);
    }
  }
  Project chosen = project;
  for (auto it = chosen.services.begin(); it != chosen.services.end();) {
    if (wanted.contains(it->first)) {
      std::erase_if(it->second.depends_on, [&](const auto& each) { return !wanted.contains(each.first); });
      ++it;
    } else {
      chosen.disabled_services.insert(chosen.services.extract(it++));
    }
  }
  if (!chosen.keep_unused_resources) drop_unused_resources(chosen);
  return chosen;
}

Strings dependency_order(const Project& project) {
  Strings order;
  std::set<std::string> done;
  std::set<std::string> open;
  // An explicit stack, because the chain may be as long as the number of services.
  for (const auto& [root, unused] : project.services) {
    std::vector<std::pair<std::string, bool>> stack{{root, false}};
    while (!stack.empty()) {
      auto [name, finished] = stack.back();
      stack.pop_back();
      if (finished) {
        if (done.insert(name).second) order.push_back(name);
        continue;
      }
      if (done.contains(name) || !open.insert(name).second) continue;
      stack.emplace_back(name, true);
      const auto service = project.services.find(name);
      if (service == project.services.end()) continue;
      for (auto it = service->second.depends_on.rbegin(); it != service->second.depends_on.rend(); ++it) {
        if (project.services.contains(it->first)) stack.emplace_back(it->first, false);
      }
    }
  }
  return order;
}

std::string render_yaml(const Node& tree) {
  Node sorted = tree;
  sort_keys(sorted, Syntax::yaml);
  return emit_yaml(sorted);
}
std::string render_json(const Node& tree) {
  Node sorted = tree;
  sort_keys(sorted, Syntax::json);
  empty_lists_to_null(sorted);
  return emit_json(sorted);
}

}  // namespace consort::compose
