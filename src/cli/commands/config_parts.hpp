// What `config` prints besides the whole file.
#pragma once

#include <optional>
#include <string>

#include "cli/workspace.hpp"

namespace consort::cli {

// --services, --volumes, --networks, --profiles, --images, --models, --hash, --variables, --environment, --why;
// nullopt: none of them was asked for.
Result<std::optional<std::string>> config_part(const Invocation& invocation, const compose::LoadOutcome& outcome,
                                               const compose::Project& project);

// Replaces each image's tag by the digest that its registry gives.
Result<> resolve_digests(compose::Project& project);
std::string digest_lock(const compose::Project& project);  // an override file

}  // namespace consort::cli
