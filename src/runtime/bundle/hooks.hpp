// Programs that a bundle wants to be run along the life of its container, with the container's state on their input.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/spec.hpp"

namespace consort::runtime::internal {

enum class HookPlace : std::uint8_t {
  runtime,       // our own namespaces
  before_pivot,  // the container's, with the files still those of the host
  container,     // the container's, in its root
};

struct HookCall {
  std::string_view kind;  // "poststart", for errors
  std::string state;      // JSON
  std::string directory;  // where it starts, of hooks in the runtime's namespaces
  HookPlace place = HookPlace::runtime;
  pid_t pid = 0;  // the container's first process
};

// One after the other, until one fails: "run createRuntime hook #0 ...: exit status 1: what it has written".
Result<> run_hooks(const std::vector<Hook>& hooks, const HookCall& call);
// All of them; what fails is told to warn.
void run_all_hooks(const std::vector<Hook>& hooks, const HookCall& call,
                   const std::function<void(const std::string&)>& warn);

}  // namespace consort::runtime::internal
