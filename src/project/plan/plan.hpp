// A plan: atomic operations on the engine's objects, the dependencies between them, and the reason for each. Pure
// functions create it (converge.hpp, lifecycle.hpp, images.hpp). to_string() prints it for tests and bug reports;
// --dry-run --progress=plain shows the same. exec/executor.hpp executes it and decides nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compose/model.hpp"
#include "engine/types.hpp"

namespace consort::project {

// What happens to an operation in progress when the user wants to stop.
enum class Interruption : std::uint8_t {
  gives_up,  // may take long: it notices within milliseconds and ends with Code::interrupted
  finishes,  // takes milliseconds, and half of it would be useless: it is allowed to finish
};

// Properties of a kind of operation.
struct KindFacts {
  std::string_view object, verb;  // in the printed plan: "container", "stop"
  Interruption interruption = Interruption::finishes;
  // What happens to its effect if the plan is not completed: what remains, and what uses it next. That never requires
  // other operations of the plan: each leaves a state that the next plan can continue from.
  std::string_view taken_back;
};

// The kinds of operations, each with its parameters in addition to the target.

// Does nothing; a single name for "all of these are done".
struct Checkpoint {
  static constexpr KindFacts facts{.object = "all", .verb = "checkpoint", .taken_back = "nothing to take back"};
};
// Does nothing, and is only shown ("Running").
struct Keep {
  static constexpr KindFacts facts{.object = "container", .verb = "keep", .taken_back = "nothing to take back"};
  bool in_use = false;  // it was to be removed, but others use it
};

struct PullImage {
  static constexpr KindFacts facts{.object = "image",
                                   .verb = "pull",
                                   .interruption = Interruption::gives_up,
                                   .taken_back = "complete layers are kept for the next pull"};
};
struct BuildImage {
  static constexpr KindFacts facts{.object = "image",
                                   .verb = "build",
                                   .interruption = Interruption::gives_up,
                                   .taken_back = "the current step is discarded; earlier ones are in the cache"};
  bool only_if_missing = false;  // skip it if a pull has brought the image meanwhile
};
struct RemoveImage {
  static constexpr KindFacts facts{.object = "image", .verb = "remove", .taken_back = "pulled or built again"};
};

struct CreateNetwork {
  static constexpr KindFacts facts{.object = "network", .verb = "create", .taken_back = "kept for the next `up`"};
  std::shared_ptr<const engine::NetworkSpec> spec;
};
struct RemoveNetwork {
  static constexpr KindFacts facts{.object = "network", .verb = "remove", .taken_back = "recreated by `up`"};
};
struct CreateVolume {
  static constexpr KindFacts facts{.object = "volume", .verb = "create", .taken_back = "kept for the next `up`"};
  std::shared_ptr<const engine::VolumeSpec> spec;
};
struct RemoveVolume {
  static constexpr KindFacts facts{.object = "volume", .verb = "remove", .taken_back = "its data is gone"};
};

struct CreateContainer {
  static constexpr KindFacts facts{
      .object = "container", .verb = "create", .taken_back = "kept; the next `up` starts or recreates it"};
  std::shared_ptr<const engine::ContainerSpec> spec;
};
struct StartContainer {
  static constexpr KindFacts facts{.object = "container",
                                   .verb = "start",
                                   .interruption = Interruption::gives_up,
                                   .taken_back = "its supervisor continues starting it"};
};
struct StopContainer {
  static constexpr KindFacts facts{.object = "container",
                                   .verb = "stop",
                                   .interruption = Interruption::gives_up,
                                   .taken_back = "its supervisor continues stopping it"};
  std::optional<int> timeout_seconds;  // negative: wait without limit
};
struct KillContainer {
  static constexpr KindFacts facts{.object = "container", .verb = "kill", .taken_back = "the signal has been sent"};
  std::string signal;
};
struct RestartContainer {
  static constexpr KindFacts facts{.object = "container",
                                   .verb = "restart",
                                   .interruption = Interruption::gives_up,
                                   .taken_back = "its supervisor continues stopping it; it is not started again"};
  std::optional<int> timeout_seconds;  // negative: wait without limit
};
struct PauseContainer {
  static constexpr KindFacts facts{.object = "container", .verb = "pause", .taken_back = "unpaused by `unpause`"};
};
struct UnpauseContainer {
  static constexpr KindFacts facts{.object = "container", .verb = "unpause", .taken_back = "paused by `pause`"};
};
struct RemoveContainer {
  static constexpr KindFacts facts{.object = "container", .verb = "remove", .taken_back = "recreated by `up`"};
  bool anonymous_volumes = false;  // remove them too
};
struct RenameContainer {
  static constexpr KindFacts facts{.object = "container", .verb = "rename", .taken_back = "the next `up` renames it"};
  std::string new_name;
};

// Connects to a network, or disconnects from one.
struct ConnectContainer {
  static constexpr KindFacts facts{.object = "container", .verb = "connect", .taken_back = "stays connected"};
  std::shared_ptr<const engine::EndpointSpec> endpoint;
};
struct DisconnectContainer {
  static constexpr KindFacts facts{.object = "container", .verb = "disconnect", .taken_back = "connected by `up`"};
  std::string network;
};

// The condition of a wait.
enum class Awaited : std::uint8_t {
  healthy,             // a dependency: healthy
  completed,           // a dependency: exited with 0
  running_or_healthy,  // up --wait: running, or healthy if there is a check
};
struct AwaitCondition {
  static constexpr KindFacts facts{.object = "container",
                                   .verb = "wait",
                                   .interruption = Interruption::gives_up,
                                   .taken_back = "nothing to take back"};
  Awaited awaited = Awaited::healthy;
};
struct RunHooks {
  static constexpr KindFacts facts{.object = "container",
                                   .verb = "hook",
                                   .interruption = Interruption::gives_up,
                                   .taken_back = "the running hook is killed, its container keeps running"};
  std::vector<compose::Hook> hooks;  // run in the container `target`
};

// One of a service's pre_start hooks: a container that is created, runs to its end, and is removed if it succeeded.
struct RunPreStart {
  static constexpr KindFacts facts{.object = "container",
                                   .verb = "run to completion",
                                   .interruption = Interruption::gives_up,
                                   .taken_back = "it is removed; the next `up` runs it again"};
  std::shared_ptr<const engine::ContainerSpec> spec;
  unsigned index = 0;
};
// The command to the provider of a service.
enum class ProviderCommand : std::uint8_t { up, stop, down };
std::string_view to_string(ProviderCommand command);  // as the provider's argument
struct RunProvider {
  static constexpr KindFacts facts{.object = "provider",
                                   .verb = "run",
                                   .interruption = Interruption::gives_up,
                                   .taken_back = "its provider was told to stop; the next `up` runs it again"};
  ProviderCommand command = ProviderCommand::up;
  compose::Provider provider;
};
struct PrepareModel {
  static constexpr KindFacts facts{.object = "model",
                                   .verb = "configure",
                                   .interruption = Interruption::gives_up,
                                   .taken_back = "what was pulled is kept by the model runner"};
  compose::Model model;
  bool pull = false;  // it is not on this machine yet
};

using Action =
    std::variant<Checkpoint, Keep, PullImage, BuildImage, RemoveImage, CreateNetwork, RemoveNetwork, CreateVolume,
                 RemoveVolume, CreateContainer, StartContainer, StopContainer, KillContainer, RestartContainer,
                 PauseContainer, UnpauseContainer, RemoveContainer, RenameContainer, ConnectContainer,
                 DisconnectContainer, AwaitCondition, RunHooks, RunPreStart, RunProvider, PrepareModel>;

enum class Necessity : std::uint8_t { required, optional };  // optional: a failure is only a warning

using OperationId = unsigned;  // index in the plan, from 0; printed from 1

// Docker's message for objects that are kept because they are in use.
inline constexpr std::string_view still_in_use = "Resource is still in use";

struct Operation {
  OperationId id = 0;
  Action action;
  std::string target;     // the object's name; for a checkpoint, its name
  std::string object_id;  // the engine's ID, if the object exists
  std::string service;
  unsigned number = 0;  // replica
  std::string cause;
  std::vector<OperationId> needs;  // executed only after all of these have succeeded
  Necessity necessity = Necessity::required;

  // Progress text: "Container lms-web-1", "Starting", "Started". If empty, nothing is shown.
  std::string shown, before, after;

  template <typename Kind>
  bool is() const {
    return std::holds_alternative<Kind>(action);
  }
  template <typename Kind>
  const Kind* as() const {  // null: another kind
    return std::get_if<Kind>(&action);
  }
  const KindFacts& facts() const;
};

enum class OnFailure : std::uint8_t {
  stop,   // start nothing new, return the first error
  go_on,  // continue with operations that don't depend on failed ones, return all errors
};

class Plan {
 public:
  OnFailure on_failure = OnFailure::stop;
  std::vector<std::string> warnings;  // shown before anything is done

  OperationId add(Operation operation);  // sets its ID; every need must already be in the plan
  bool empty() const { return operations_.empty(); }
  const std::vector<Operation>& operations() const { return operations_; }
  Operation& at(OperationId id) { return operations_[id]; }

  // Whether it does anything other than showing that there is nothing to do.
  bool changes_anything() const;

  // One line per operation: "[1,2] -> #3 container lms-web-1, create, no container for this replica".
  std::string to_string() const;

 private:
  std::vector<Operation> operations_;
};

}  // namespace consort::project
