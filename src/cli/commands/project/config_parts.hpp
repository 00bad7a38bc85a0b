// Output of `config` other than the whole file.
#pragma once

#include <optional>
#include <string>

#include "cli/workspace.hpp"
#include "compose/node.hpp"

namespace consort::cli {

// --services, --volumes, --networks, --profiles, --images, --models, --hash, --variables, --environment, --why;
// nullopt: none of these flags was given.
Result<std::optional<std::string>> config_part(const Invocation& invocation, const compose::LoadOutcome& outcome,
                                               const compose::Project& project);
// Whether the output depends on the services named on the command line; lists of names do not.
bool takes_services(const ParsedFlags& flags);
// Whether Docker Compose prints this part without reading env files, as it does for the hash.
bool needs_no_env_files(const ParsedFlags& flags);

// Replaces each image with its full name and the digest from its registry.
Result<> pin_images(compose::Project& project);
Result<> pin_images(compose::Node& tree);
// For --lock-image-digests: an override file that contains only images.
compose::Project only_images(const compose::Project& project);
void keep_only_images(compose::Node& tree);

}  // namespace consort::cli
