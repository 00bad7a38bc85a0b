// Flags that several commands have with the same meaning, so that they read the same in every help text.
#pragma once

#include "cli/args/flags.hpp"

namespace consort::cli::shared {

using enum FlagKind;

inline constexpr Flag build{"build", 0, boolean, "", "Build images first"};
inline constexpr Flag change{"change", 'c', list, "",
                             "Dockerfile instruction for the image's configuration (CMD, ENV, LABEL, ...)"};
inline constexpr Flag dry_run{"dry-run", 0, boolean, "", "Say what would be done, and do nothing"};
inline constexpr Flag force{"force", 'f', boolean, "", "Do not ask"};
inline constexpr Flag force_recreate{"force-recreate", 0, boolean, "",
                                     "Recreate containers even if nothing about them has changed"};
inline constexpr Flag format_table{"format", 0, text, "", "Format of the output: table or json", "table"};
inline constexpr Flag format_template{"format", 0, text, "", "Format of the output: table, json, or a template",
                                      "table"};
inline constexpr Flag index{"index", 0, integer, "", "Which replica, if the service has several"};
inline constexpr Flag message{"message", 'm', text, "", "What the image's history says"};
inline constexpr Flag no_build{"no-build", 0, boolean, "", "Never build, whatever the pull policy says"};
inline constexpr Flag no_color{"no-color", 0, boolean, "", "No colours"};
inline constexpr Flag no_deps{"no-deps", 0, boolean, "", "Do not start the services they depend on"};
inline constexpr Flag no_log_prefix{"no-log-prefix", 0, boolean, "",
                                    "Do not put the container's name before its lines"};
inline constexpr Flag no_progress{"quiet", 'q', boolean, "", "Show no progress"};
inline constexpr Flag no_recreate{"no-recreate", 0, boolean, "", "Leave existing containers as they are"};
inline constexpr Flag no_trunc{"no-trunc", 0, boolean, "", "Do not shorten"};
inline constexpr Flag one_platform{"platform", 0, text, "", "Only this one of several platforms"};
inline constexpr Flag only_ids{"quiet", 'q', boolean, "", "Only ids"};
inline constexpr Flag only_names{"quiet", 'q', boolean, "", "Only names"};
inline constexpr Flag output{"output", 'o', text, "FILE", "Write to a file"};
inline constexpr Flag pull{"pull", 0, text, "", "When to pull images (\"always\"|\"missing\"|\"never\")", "policy"};
inline constexpr Flag quiet_build{"quiet-build", 0, boolean, "", "Show nothing of the build"};
inline constexpr Flag quiet_pull{"quiet-pull", 0, boolean, "", "Pull without showing layers"};
inline constexpr Flag remove_orphans{"remove-orphans", 0, boolean, "",
                                     "Remove containers of services that the file no longer has"};
inline constexpr Flag scale{"scale", 0, list, "SERVICE=NUM",
                            "Number of containers of a service, instead of the file's"};
inline constexpr Flag timeout{"timeout", 't', integer, "", "Seconds to wait for containers to stop"};
inline constexpr Flag tty{"tty", 't', boolean, "", "Allocate a terminal", "", true};
inline constexpr Flag user{"user", 'u', text, "", "Run as this user"};
inline constexpr Flag which_platform{"platform", 0, text, "", "Which of the name's platforms, if not this machine's"};
inline constexpr Flag workdir{"workdir", 'w', text, "", "Run in this directory"};
inline constexpr Flag yes{"yes", 'y', boolean, "", "Answer every question with yes"};

}  // namespace consort::cli::shared
