// Flags that several commands share, as the verbs take them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/workspace.hpp"
#include "project/verbs/up.hpp"

namespace consort::cli {

// Flags of up, create, run, scale that say how to converge. Checks contradictions.
Result<project::UpOptions> up_options(const Invocation& invocation, Workspace& workspace,
                                      const std::vector<std::string>& services);
// Narrows the session's project to the services and, unless --no-deps, what they depend on.
Result<> select_services(Workspace& workspace, const std::vector<std::string>& services,
                         compose::Dependencies dependencies);
Result<std::map<std::string, unsigned>> parse_scale(const std::vector<std::string>& entries);
// "NAME=VALUE" as it is; of a name alone our value, or that of .env; dropped where nobody has one.
std::vector<std::string> with_values(const Workspace& workspace, std::vector<std::string> entries);
// The variables of the files (--env-from-file), which have the grammar of .env, before those of the entries, so that
// these win. A file may refer to the entries, to our variables and to .env.
Result<std::vector<std::string>> with_env_files(const Workspace& workspace, const Terminal& terminal,
                                                const std::vector<std::string>& files,
                                                std::vector<std::string> entries);
std::optional<int> timeout_of(const Invocation& invocation);
// --wait-timeout in seconds; 0: as long as it takes. A negative one is refused.
Result<std::optional<int>> wait_limit(const ParsedFlags& flags);
std::optional<unsigned> index_of(const Invocation& invocation);
// COMPOSE_REMOVE_ORPHANS and COMPOSE_IGNORE_ORPHANS with the flag.
Result<project::Orphans> orphans_of(const Invocation& invocation);

}  // namespace consort::cli
