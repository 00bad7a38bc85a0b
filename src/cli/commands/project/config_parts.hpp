// What `config` prints besides the whole file.
#pragma once

#include <optional>
#include <string>

#include "cli/workspace.hpp"
#include "compose/node.hpp"

namespace consort::cli {

// --services, --volumes, --networks, --profiles, --images, --models, --hash, --variables, --environment, --why;
// nullopt: none of them was asked for.
Result<std::optional<std::string>> config_part(const Invocation& invocation, const compose::LoadOutcome& outcome,
                                               const compose::Project& project);
// Whether what is printed depends on the services named on the command line; the lists of names don't.
bool takes_services(const ParsedFlags& flags);
// The parts that Docker Compose prints without reading env files, the hash among them.
bool needs_no_env_files(const ParsedFlags& flags);

// Replaces each image by its full name with the digest that its registry gives.
Result<> pin_images(compose::Project& project);
Result<> pin_images(compose::Node& tree);
// What --lock-image-digests keeps: an override file with images and nothing else.
compose::Project only_images(const compose::Project& project);
void keep_only_images(compose::Node& tree);

}  // namespace consort::cli
