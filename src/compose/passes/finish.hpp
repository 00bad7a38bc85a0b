// Passes on the typed model, after decoding.
#pragma once

#include <set>
#include <string>

#include "compose/compose.hpp"
#include "compose/internal/reporter.hpp"

namespace consort::compose {

// Fills in what each pre_start hook inherits from its service. Run after decoding.
void inherit_hooks(Project& project);
// Moves jobs to the services, as which they are checked and resolved, and back again. A job with the name of a service
// is an error, and so is a service that depends on a job.
void join_jobs(Project& project, Reporter& reporter);
void part_jobs(Project& project);
void check_jobs(const Project& project, Reporter& reporter);
// Moves services without an active profile to disabled_services.
void apply_profiles(Project& project);
// Checks for undefined references, contradictions and cycles. Reports all of them, in order of service names.
void check_consistency(const Project& project, Reporter& reporter);
// No two services may have the same container_name. `services`: as below.
void check_container_names(const Project& project, const Strings& services, Reporter& reporter);
// Resolves env_file and label_file into environment and labels. `services`: those that the command is about, including
// their dependencies; empty: all. Files of other services may be missing.
void resolve_env_files(Project& project, const Strings& services, const FileAccess& access, Reporter& reporter);
void resolve_label_files(Project& project, const FileAccess& access, Reporter& reporter);
void drop_unused_resources(Project& project);
// These services and everything they depend on; all services if none is named.
std::set<std::string> with_dependencies(const Project& project, const Strings& services);
// The checks of advise().
void check_startup(const Project& project, Advice advice, const FileAccess& access, Reporter& reporter);
// Values that the engine refuses or that do not mean what they seem to; part of check_startup().
void check_start_values(const Project& project, Reporter& reporter);
// Attributes that only have an effect on a swarm; part of check_startup().
void check_swarm_only(const Project& project, Reporter& reporter);
// Image tags that are probably a misspelling of a common one: 15-alphine.
void check_image_tags(const Project& project, Reporter& reporter);

// The position of a path in the merged tree, or of its nearest ancestor.
Place place_in(const Node& tree, const Strings& path);

}  // namespace consort::compose
