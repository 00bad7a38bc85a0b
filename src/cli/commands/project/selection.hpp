// Flags shared by several commands, converted to the options of the project's operations.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/workspace.hpp"
#include "project/verbs/up.hpp"

namespace consort::cli {

// Convergence options from the flags of up, create, run and scale. Fails for contradictory flags.
Result<project::UpOptions> up_options(const Invocation& invocation, Workspace& workspace,
                                      const std::vector<std::string>& services);
// Restricts the session's project to the services and, unless --no-deps is given, their dependencies.
Result<> select_services(Workspace& workspace, const std::vector<std::string>& services,
                         compose::Dependencies dependencies);
Result<std::map<std::string, unsigned>> parse_scale(const std::vector<std::string>& entries);
// "NAME=VALUE" is unchanged; NAME alone gets its value from our environment or .env, and is dropped if it has none.
std::vector<std::string> with_values(const Workspace& workspace, std::vector<std::string> entries);
// The variables of the files (--env-from-file), which have the grammar of .env, before those of the entries, so that
// these win. A file may refer to the entries, to our variables and to .env.
Result<std::vector<std::string>> with_env_files(const Workspace& workspace, const Terminal& terminal,
                                                const std::vector<std::string>& files,
                                                std::vector<std::string> entries);
std::optional<int> timeout_of(const Invocation& invocation);
// --wait-timeout in seconds; 0: no limit. Negative values are refused.
Result<std::optional<int>> wait_limit(const ParsedFlags& flags);
std::optional<unsigned> index_of(const Invocation& invocation);
// From COMPOSE_REMOVE_ORPHANS, COMPOSE_IGNORE_ORPHANS and the flag.
Result<project::Orphans> orphans_of(const Invocation& invocation);

}  // namespace consort::cli
