// Flags that several commands share with the same meaning, so that they have the same help text everywhere.
#pragma once

#include "cli/args/flags.hpp"

namespace consort::cli::shared {

using enum FlagKind;

inline constexpr Flag build{"build", 0, boolean, "", "Build images before starting containers"};
inline constexpr Flag change{"change", 'c', list, "",
                             "Dockerfile instruction for the image's configuration (CMD, ENV, LABEL, ...)"};
inline constexpr Flag dry_run{"dry-run", 0, boolean, "", "Show what would be done without doing it"};
inline constexpr Flag force{"force", 'f', boolean, "", "Do not ask for confirmation"};
inline constexpr Flag force_recreate{"force-recreate", 0, boolean, "",
                                     "Recreate containers even if their configuration and image haven't changed"};
inline constexpr Flag format_table{"format", 0, text, "", "Format of the output: table or json", "table"};
inline constexpr Flag format_template{"format", 0, text, "", "Format of the output: table, json, or a template",
                                      "table"};
inline constexpr Flag index{"index", 0, integer, "", "Index of the container if the service has several"};
inline constexpr Flag message{"message", 'm', text, "", "Message for the image's history"};
inline constexpr Flag no_build{"no-build", 0, boolean, "", "Do not build images, even if the policy says so"};
inline constexpr Flag no_color{"no-color", 0, boolean, "", "Print without colors"};
inline constexpr Flag no_deps{"no-deps", 0, boolean, "", "Do not start the services they depend on"};
inline constexpr Flag no_log_prefix{"no-log-prefix", 0, boolean, "",
                                    "Do not print the container's name before each line"};
inline constexpr Flag no_progress{"quiet", 'q', boolean, "", "Suppress progress output"};
inline constexpr Flag no_recreate{"no-recreate", 0, boolean, "", "Do not recreate existing containers"};
inline constexpr Flag no_trunc{"no-trunc", 0, boolean, "", "Do not truncate output"};
inline constexpr Flag one_platform{"platform", 0, text, "", "Platform to use, if there are several"};
inline constexpr Flag only_ids{"quiet", 'q', boolean, "", "Only print IDs"};
inline constexpr Flag only_names{"quiet", 'q', boolean, "", "Only print names"};
inline constexpr Flag output{"output", 'o', text, "FILE", "Write to a file instead of standard output"};
inline constexpr Flag pull{"pull", 0, text, "", "When to pull images (\"always\"|\"missing\"|\"never\")", "policy"};
inline constexpr Flag quiet_build{"quiet-build", 0, boolean, "", "Suppress the build output"};
inline constexpr Flag quiet_pull{"quiet-pull", 0, boolean, "", "Pull without printing progress information"};
inline constexpr Flag remove_orphans{"remove-orphans", 0, boolean, "",
                                     "Remove containers of services not defined in the Compose file"};
inline constexpr Flag scale{"scale", 0, list, "SERVICE=NUM", "Scale SERVICE to NUM containers; overrides the file"};
inline constexpr Flag timeout{"timeout", 't', integer, "", "Shutdown timeout in seconds"};
inline constexpr Flag tty{"tty", 't', boolean, "", "Allocate a terminal", "", true};
inline constexpr Flag user{"user", 'u', text, "", "Run as this user"};
inline constexpr Flag which_platform{"platform", 0, text, "", "Platform to show (default: this machine's)"};
inline constexpr Flag workdir{"workdir", 'w', text, "", "Run in this directory"};
inline constexpr Flag yes{"yes", 'y', boolean, "", "Answer yes to all prompts"};

}  // namespace consort::cli::shared
