// Plans what `up`, `create`, `run` and `scale` do to bring a project from its current to its desired state. Pure;
// questions go through `confirm`. Images come first and separately (images.hpp), since their IDs decide what is
// recreated.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "compose/model.hpp"
#include "project/plan/names.hpp"
#include "project/plan/observed.hpp"
#include "project/plan/plan.hpp"
#include "project/plan/provided.hpp"

namespace consort::project {

enum class Recreate : std::uint8_t { diverged, always, never };
enum class Orphans : std::uint8_t { warn, ignore, remove };
enum class AfterCreate : std::uint8_t {
  nothing,         // create, up --no-start
  start,           // up
  start_and_wait,  // up --wait
};

struct ConvergeOptions {
  std::set<std::string> named;  // services from the command line; empty: all. The others are their dependencies
  Recreate recreate = Recreate::diverged;               // for the named services
  Recreate recreate_dependencies = Recreate::diverged;  // for the others
  std::map<std::string, unsigned> scale;                // --scale
  Orphans orphans = Orphans::warn;
  AfterCreate after = AfterCreate::start;
  bool renew_anonymous_volumes = false;  // -V
  std::optional<int> timeout_seconds;    // -t, for containers that must be stopped
  std::string_view separator = name_separator;
  std::vector<std::string> env_files;
  Provided provided;
  std::function<bool(const std::string& question)> confirm;  // empty: no
};

Result<Plan> plan_converge(const compose::Project& project, const Observed& observed, const ConvergeOptions& options);

// Containers of services that the file no longer has, and one-off containers that have ended.
std::vector<const engine::Container*> find_orphans(const compose::Project& project, const Observed& observed);

// Why a container differs from the file, as text; nullopt: it does not, except for its networks.
std::optional<std::string> divergence(const compose::Project& project, const compose::Service& service,
                                      const engine::Container& container, const Observed& observed,
                                      const Provided& provided);
// The same for a network of the file that a running container is not connected to.
std::optional<std::string> missing_network(const compose::Project& project, const compose::Service& service,
                                           const engine::Container& container, const Observed& observed);

}  // namespace consort::project
