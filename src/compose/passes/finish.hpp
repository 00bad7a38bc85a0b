// The typed model's own passes, after decoding.
#pragma once

#include <set>
#include <string>

#include "compose/compose.hpp"
#include "compose/internal/reporter.hpp"

namespace consort::compose {

// What each pre_start hook has from its service. After decoding.
void inherit_hooks(Project& project);
// Jobs among the services, which they are in all that is checked and resolved, and apart again. One that has the name
// of a service is an error, and so is a service that waits for one.
void join_jobs(Project& project, Reporter& reporter);
void part_jobs(Project& project);
void check_jobs(const Project& project, Reporter& reporter);
// Services that no active profile wants go to disabled_services.
void apply_profiles(Project& project);
// References that lead nowhere, contradictions, cycles. Everything is reported, in order of service names.
void check_consistency(const Project& project, Reporter& reporter);
// No two services have one container_name. `services`: as below.
void check_container_names(const Project& project, const Strings& services, Reporter& reporter);
// env_file and label_file into environment and labels.
// `services`: those that the command is about, with what they depend on; empty: all. Others may lack their files.
void resolve_env_files(Project& project, const Strings& services, const FileAccess& access, Reporter& reporter);
void resolve_label_files(Project& project, const FileAccess& access, Reporter& reporter);
void drop_unused_resources(Project& project);
// These services and what they depend on; all when none is named.
std::set<std::string> with_dependencies(const Project& project, const Strings& services);
// What advise() tells.
void check_startup(const Project& project, Advice advice, const FileAccess& access, Reporter& reporter);
// Values that the engine refuses, or that mean something else than they look like; a part of check_startup().
void check_start_values(const Project& project, Reporter& reporter);
// Attributes that only a swarm cluster obeys; a part of check_startup().
void check_swarm_only(const Project& project, Reporter& reporter);
// Image tags that are almost a word that everybody uses: 15-alphine.
void check_image_tags(const Project& project, Reporter& reporter);

// The place of a path in the merged tree, or of the nearest thing above it.
Place place_in(const Node& tree, const Strings& path);

}  // namespace consort::compose
