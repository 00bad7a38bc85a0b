// Runs a bundle's hooks at the stages of its container's life, with the container's state on their input.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/spec.hpp"

namespace consort::runtime::internal {

enum class HookPlace : std::uint8_t {
  runtime,       // the runtime's own namespaces
  before_pivot,  // the container's, but still with the host's files
  container,     // the container's, in its root
};

struct HookCall {
  std::string_view kind;  // "poststart", for errors
  std::string state;      // JSON
  std::string directory;  // working directory of hooks in the runtime's namespaces
  HookPlace place = HookPlace::runtime;
  pid_t pid = 0;  // the container's first process
};

// Runs them in order until one fails: "run createRuntime hook #0 ...: exit status 1: OUTPUT".
Result<> run_hooks(const std::vector<Hook>& hooks, const HookCall& call);
// Runs all of them; failures are passed to `warn`.
void run_all_hooks(const std::vector<Hook>& hooks, const HookCall& call,
                   const std::function<void(const std::string&)>& warn);

}  // namespace consort::runtime::internal
