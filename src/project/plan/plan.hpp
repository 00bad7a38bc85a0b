// A plan: atomic operations on the engine's objects, what each needs to have happened before, and why each is there.
// Made by pure functions (converge.hpp, lifecycle.hpp, images.hpp), printed by to_string() - which is what --dry-run
// --progress=plain tells in its way, what tests compare, and what a bug report should contain - and carried out by
// exec/executor.hpp, which decides nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compose/model.hpp"
#include "engine/types.hpp"

namespace consort::project {

enum class Action : std::uint8_t {
  keep,  // nothing to do, but said ("Running")
  pull_image,
  build_image,
  remove_image,
  create_network,
  remove_network,
  create_volume,
  remove_volume,
  create_container,
  start_container,
  stop_container,
  kill_container,
  restart_container,
  pause_container,
  unpause_container,
  remove_container,
  rename_container,
  await_condition,
  run_hook,
  checkpoint,  // does nothing itself: one name for "all of these are done"
};
std::string_view to_string(Action action);

// What await_condition waits for.
enum class Awaited : std::uint8_t {
  healthy,             // a dependency: healthy
  completed,           // a dependency: exited with 0
  running_or_healthy,  // up --wait: running, or healthy where there is a check
};

enum class Necessity : std::uint8_t { required, optional };  // optional: a failure is a warning, and goes on

using OperationId = unsigned;  // index in the plan, from 0; printed from 1

// Docker's words for what stays because others need it.
inline constexpr std::string_view still_in_use = "Resource is still in use";

struct Operation {
  OperationId id = 0;
  Action action = Action::checkpoint;
  std::string target;     // the object's name; of a checkpoint: what is reached
  std::string object_id;  // the engine's id, where the object is there already
  std::string service;
  unsigned number = 0;  // replica
  std::string cause;
  std::vector<OperationId> needs;  // carried out only when all of these have succeeded
  Necessity necessity = Necessity::required;

  // What progress says: "Container lms-web-1", "Starting", "Started". Empty words say nothing.
  std::string shown, before, after;

  // What the action takes, by its kind.
  std::shared_ptr<const engine::ContainerSpec> container;
  std::shared_ptr<const engine::NetworkSpec> network;
  std::shared_ptr<const engine::VolumeSpec> volume;
  std::string new_name;                // rename_container
  std::string signal;                  // kill_container
  std::optional<int> timeout_seconds;  // stop, restart; negative = for ever
  Awaited awaited = Awaited::healthy;
  bool remove_anonymous_volumes = false;
  bool force = false;                // remove_container: a running one too
  bool in_use = false;               // keep: it was to be removed, but others need it
  bool only_if_missing = false;      // build_image: not if a pull has brought the image meanwhile
  std::vector<compose::Hook> hooks;  // run_hook: inside the container `target`
};

enum class OnFailure : std::uint8_t {
  stop,   // begin nothing new, give back the first error
  go_on,  // do all that does not depend on what failed, give back all errors
};

class Plan {
 public:
  OnFailure on_failure = OnFailure::stop;
  std::vector<std::string> warnings;  // to be said before anything is done

  OperationId add(Operation operation);  // sets its id; every need must be in the plan already
  bool empty() const { return operations_.empty(); }
  const std::vector<Operation>& operations() const { return operations_; }
  Operation& at(OperationId id) { return operations_[id]; }

  // Whether anything is to be done, beyond saying that nothing is.
  bool changes_anything() const;

  // One line an operation: "[1,2] -> #3 container lms-web-1, create, no container for this replica".
  std::string to_string() const;

 private:
  std::vector<Operation> operations_;
};

}  // namespace consort::project
