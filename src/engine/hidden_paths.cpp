#include "engine/hidden_paths.hpp"

#include <algorithm>

#include "runtime/defaults.hpp"

namespace consort::engine {

namespace {

bool hides(const ContainerSpec& spec) {
  return !spec.privileged && std::ranges::count(spec.security_opt, "systempaths=unconfined") == 0;
}

}  // namespace

Strings masked_paths(const ContainerSpec& spec) {
  return hides(spec) ? runtime::default_masked_paths() : Strings();
}

Strings readonly_paths(const ContainerSpec& spec) {
  return hides(spec) ? runtime::default_readonly_paths() : Strings();
}

}  // namespace consort::engine
