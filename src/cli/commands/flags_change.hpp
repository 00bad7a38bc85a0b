// Flags of the commands that change a project. Included only by table.cpp.
#pragma once

#include "cli/commands/flags_shared.hpp"

namespace consort::cli {

using enum FlagKind;

inline constexpr Flag attach_flags[] = {
    {"detach-keys", 0, text, "", "Key sequence for detaching from the container", "ctrl-p,ctrl-q"},
    shared::index,
    {"no-stdin", 0, boolean, "", "Do not attach standard input"},
    {"sig-proxy", 0, boolean, "", "Forward received signals to the process", "true"},
};

inline constexpr Flag create_flags[] = {
    shared::build,
    shared::force_recreate,
    shared::no_build,
    shared::no_recreate,
    {"pull", 0, text, "", "When to pull images (\"always\"|\"missing\"|\"never\"|\"build\")", "policy"},
    shared::quiet_pull,
    shared::remove_orphans,
    shared::scale,
    shared::yes,
};

inline constexpr Flag publish_flags[] = {
    {"app", 0, boolean, "", "Publish an application: its images are pinned to digests"},
    {"insecure-registry", 0, boolean, "", "", "", true},
    {"oci-version", 0, text, "", "Version of OCI's image specification: 1.1, or 1.0 for older registries"},
    {"resolve-image-digests", 0, boolean, "", "Pin image tags to digests"},
    {"with-env", 0, boolean, "", "Include environment variables in the published artifact"},
    shared::yes,
};

inline constexpr Flag down_flags[] = {
    {"remove-orphans", 0, boolean, "", "Also remove containers of services not defined in the Compose file"},
    {"rmi", 0, text, "", "Remove images: \"local\" (only those without a custom tag) or \"all\""},
    shared::timeout,
    {"volumes", 'v', boolean, "", "Also remove named volumes of the file and anonymous volumes; their data is lost"},
};

inline constexpr Flag exec_flags[] = {
    {"detach", 'd', boolean, "", "Detached mode: run the command in the background"},
    {"env", 'e', list, "", "Set an environment variable (NAME=VALUE, or NAME to pass on its value here)"},
    {"env-file", 0, list, "", "Read environment variables from a file"},
    shared::index,
    {"interactive", 'i', boolean, "", "Keep standard input open", "true", true},
    {"no-TTY", 0, boolean, "", "", "", true},
    {"no-tty", 'T', boolean, "", "Do not allocate a pseudo-TTY (default: allocated only on a terminal)"},
    {"privileged", 0, boolean, "", "Give the process extended privileges"},
    shared::tty,
    shared::user,
    shared::workdir,
};

inline constexpr Flag kill_flags[] = {
    {"remove-orphans", 0, boolean, "", "Also kill and remove containers of services not defined in the Compose file"},
    {"signal", 's', text, "", "Signal to send to the containers", "SIGKILL"},
};

inline constexpr Flag timeout_flags[] = {
    shared::timeout,
};

inline constexpr Flag restart_flags[] = {
    {"no-deps", 0, boolean, "", "Do not restart dependent services"},
    shared::timeout,
};

inline constexpr Flag rm_flags[] = {
    {"all", 'a', boolean, "", "", "", true},
    shared::force,
    {"stop", 's', boolean, "", "Stop the containers before removing them"},
    {"volumes", 'v', boolean, "", "Also remove their anonymous volumes"},
};

inline constexpr Flag run_flags[] = {
    {"build", 0, boolean, "", "Build the image before starting the container"},
    {"cap-add", 0, list, "list", "Add capabilities"},
    {"cap-drop", 0, list, "list", "Drop capabilities"},
    {"detach", 'd', boolean, "", "Run in the background and print the container's ID"},
    {"entrypoint", 0, text, "", "Override the image's entrypoint"},
    {"env", 'e', list, "", "Set an environment variable"},
    {"env-from-file", 0, list, "", "Set environment variables from a file"},
    {"interactive", 'i', boolean, "", "Keep standard input open", "true"},
    {"label", 'l', list, "", "Add a label"},
    {"name", 0, text, "", "Assign a name to the container"},
    {"no-TTY", 0, boolean, "", "", "", true},
    {"no-deps", 0, boolean, "", "Do not start linked services"},
    {"no-tty", 'T', boolean, "", "Do not allocate a pseudo-TTY (default: allocated only on a terminal)"},
    {"publish", 'p', list, "", "Publish a port to the host"},
    shared::pull,
    shared::no_progress,
    shared::quiet_build,
    shared::quiet_pull,
    shared::remove_orphans,
    {"rm", 0, boolean, "", "Remove the container when it exits"},
    {"service-ports", 'P', boolean, "", "Publish the service's ports to the host"},
    shared::tty,
    {"use-aliases", 0, boolean, "", "Use the service's network aliases"},
    shared::user,
    {"volume", 'v', list, "", "Bind mount a volume"},
    shared::workdir,
};

inline constexpr Flag scale_flags[] = {
    shared::no_deps,
};

inline constexpr Flag start_flags[] = {
    {"wait", 0, boolean, "", "Wait until services are running, or healthy"},
    {"wait-timeout", 0, integer, "", "Seconds to wait at most"},
};

inline constexpr Flag up_flags[] = {
    {"abort-on-container-exit", 0, boolean, "", "Stop all containers as soon as one stops"},
    {"abort-on-container-failure", 0, boolean, "", "Stop all containers as soon as one fails"},
    {"always-recreate-deps", 0, boolean, "", "Also recreate the services that others depend on"},
    {"attach", 0, list, "", "Attach only to these services"},
    {"attach-dependencies", 0, boolean, "", "Also attach to the services they depend on"},
    shared::build,
    {"detach", 'd', boolean, "", "Detached mode: run containers in the background"},
    {"exit-code-from", 0, text, "SERVICE", "Return the exit code of this service; implies --abort-on-container-exit"},
    {"force-conflicts", 0, boolean, "", "On a cluster: take over fields that others manage"},
    shared::force_recreate,
    {"menu", 0, boolean, "", "Show the keys for watching and detaching on a terminal (default: COMPOSE_MENU, or true)"},
    {"no-attach", 0, list, "", "Do not attach to these services"},
    shared::no_build,
    shared::no_color,
    shared::no_deps,
    shared::no_log_prefix,
    shared::no_recreate,
    {"no-start", 0, boolean, "", "Create the containers without starting them"},
    shared::pull,
    shared::quiet_build,
    shared::quiet_pull,
    shared::remove_orphans,
    {"renew-anon-volumes", 'V', boolean, "", "Recreate anonymous volumes instead of keeping their data"},
    shared::scale,
    shared::timeout,
    {"timestamps", 0, boolean, "", "Show timestamps"},
    {"timings", 0, boolean, "", "Show how long each service took and what it waited for; needs --detach or --wait"},
    {"wait", 0, boolean, "", "Wait for services to be running or healthy; implies --detach"},
    {"wait-timeout", 0, integer, "", "Maximum seconds to wait"},
    {"watch", 'w', boolean, "", "Watch source code: copy, rebuild or restart as files are saved"},
    shared::yes,
};

inline constexpr Flag wait_flags[] = {
    {"down-project", 0, boolean, "", "Take the project down when the first container stops"},
};

inline constexpr Flag watch_flags[] = {
    {"no-up", 0, boolean, "", "Do not build and start services before watching"},
    {"prune", 0, boolean, "", "Remove the image that a rebuild replaces", "true"},
    {"quiet", 0, boolean, "", "Hide build output"},
};

}  // namespace consort::cli
