// Plans for existing containers: stop, start, restart, kill, pause, remove, and taking a whole project down. Pure. They
// use containers and their labels, so no file is required; if there is one, it adds its hooks.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "project/plan/graph.hpp"
#include "project/plan/observed.hpp"
#include "project/plan/plan.hpp"

namespace consort::project {

using Containers = std::vector<engine::Container>;

struct StopPlanOptions {
  std::optional<int> timeout_seconds;
  std::map<std::string, std::vector<compose::Hook>> pre_stop;      // by service
  std::map<std::string, std::vector<compose::Hook>> post_start{};  // for `restart`
  std::map<std::string, compose::Service> providers{};             // services to stop that are run by providers
};
// Adds the file's part of a stop: hooks, and the named services (all if none are named) with a provider.
void add_from_file(StopPlanOptions& options, const compose::Project& project, const std::set<std::string>& named);
// Dependents stop before what they depend on.
Plan plan_stop(const Containers& containers, const ServiceGraph& graph, const StopPlanOptions& options);

struct StartPlanOptions {
  std::map<std::string, std::vector<compose::Hook>> post_start;           // by service
  std::map<std::string, std::vector<Operation>> pre_start{};              // by service: hooks_before_start()
  enum class Then : std::uint8_t { nothing, wait } then = Then::nothing;  // until all are running or healthy
};
// Dependencies first, honouring conditions. An error if there are no containers.
Result<Plan> plan_start(const Containers& containers, const ServiceGraph& graph, const std::set<std::string>& named,
                        const StartPlanOptions& options = {});

// Dependencies first. A service with a condition is restarted once the restarted dependencies meet it again.
enum class Dependents : std::uint8_t { include, ignore };  // those with `restart: true`; --no-deps ignores them
Plan plan_restart(const Containers& containers, const ServiceGraph& graph, const std::set<std::string>& named,
                  Dependents dependents, const StopPlanOptions& options);

Plan plan_kill(const Containers& containers, const std::string& signal);
Plan plan_pause(const Containers& containers);
Plan plan_unpause(const Containers& containers);

struct RemovePlanOptions {
  bool anonymous_volumes = false;
  bool stop_first = false;
};
Plan plan_remove(const Containers& containers, const RemovePlanOptions& options);

enum class RemoveImages : std::uint8_t { none, local, all };
struct DownOptions {
  std::set<std::string> named;  // empty: all
  StopPlanOptions stop;
  bool remove_orphans = false;
  bool volumes = false;
  RemoveImages images = RemoveImages::none;
};
// project: null without a file; networks and volumes are then those with the project's label.
Plan plan_down(const std::string& project_name, const compose::Project* project, const Observed& observed,
               const DownOptions& options);

}  // namespace consort::project
