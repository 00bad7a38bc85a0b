// Flags of the commands that change a project. Included by table.cpp only.
#pragma once

#include "cli/commands/flags_shared.hpp"

namespace consort::cli {

using enum FlagKind;

inline constexpr Flag attach_flags[] = {
    {"detach-keys", 0, text, "", "Keys that detach from the container", "ctrl-p,ctrl-q"},
    shared::index,
    {"no-stdin", 0, boolean, "", "Leave standard input alone"},
    {"sig-proxy", 0, boolean, "", "Pass signals on to the process", "true"},
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

inline constexpr Flag down_flags[] = {
    {"remove-orphans", 0, boolean, "", "Remove containers of services that the file does not have, too"},
    {"rmi", 0, text, "", "Remove images: \"local\" (only those without a name of their own) or \"all\""},
    shared::timeout,
    {"volumes", 'v', boolean, "", "Remove named volumes of the file and anonymous volumes: their data is lost"},
};

inline constexpr Flag exec_flags[] = {
    {"detach", 'd', boolean, "", "Run the command in the background"},
    {"env", 'e', list, "", "Set an environment variable (NAME=VALUE, or NAME to pass ours)"},
    shared::index,
    {"interactive", 'i', boolean, "", "Keep standard input open", "true", true},
    {"no-tty", 'T', boolean, "", "Do not allocate a terminal (default: not one unless ours is)"},
    {"privileged", 0, boolean, "", "Give the process all capabilities"},
    shared::tty,
    shared::user,
    shared::workdir,
};

inline constexpr Flag kill_flags[] = {
    {"remove-orphans", 0, boolean, "", "Kill and remove containers of services that the file does not have, too"},
    {"signal", 's', text, "", "Signal to send", "SIGKILL"},
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
    {"stop", 's', boolean, "", "Stop the containers first"},
    {"volumes", 'v', boolean, "", "Remove their anonymous volumes, too"},
};

inline constexpr Flag run_flags[] = {
    {"build", 0, boolean, "", "Build the image first"},
    {"cap-add", 0, list, "list", "Add capabilities"},
    {"cap-drop", 0, list, "list", "Drop capabilities"},
    {"detach", 'd', boolean, "", "Run in the background and print the container's id"},
    {"entrypoint", 0, text, "", "Use this entrypoint instead of the image's"},
    {"env", 'e', list, "", "Set an environment variable"},
    {"env-from-file", 0, list, "", "Set environment variables from a file"},
    {"interactive", 'i', boolean, "", "Keep standard input open", "true"},
    {"label", 'l', list, "", "Add a label"},
    {"name", 0, text, "", "Name of the container"},
    {"no-TTY", 'T', boolean, "", "Do not allocate a terminal (default: not one unless ours is)"},
    {"no-deps", 0, boolean, "", "Do not start the services it depends on"},
    {"publish", 'p', list, "", "Publish a port to the host"},
    shared::pull,
    shared::no_progress,
    shared::quiet_build,
    shared::quiet_pull,
    shared::remove_orphans,
    {"rm", 0, boolean, "", "Remove the container when it ends"},
    {"service-ports", 'P', boolean, "", "Publish the service's ports"},
    shared::tty,
    {"use-aliases", 0, boolean, "", "Give the container the service's network aliases"},
    shared::user,
    {"volume", 'v', list, "", "Mount a volume or a path of the host"},
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
    {"abort-on-container-exit", 0, boolean, "", "Stop everything as soon as one container ends"},
    {"abort-on-container-failure", 0, boolean, "", "Stop everything as soon as one container fails"},
    {"always-recreate-deps", 0, boolean, "", "Recreate the services that others depend on, too"},
    {"attach", 0, list, "", "Show the output of these services only"},
    {"attach-dependencies", 0, boolean, "", "Show the output of dependencies, too"},
    shared::build,
    {"detach", 'd', boolean, "", "Return as soon as everything is started"},
    {"exit-code-from", 0, text, "SERVICE", "Exit with this service's code; implies --abort-on-container-exit"},
    shared::force_recreate,
    {"menu", 0, boolean, "", "", "", true},
    {"no-attach", 0, list, "", "Do not show the output of these services"},
    shared::no_build,
    shared::no_color,
    shared::no_deps,
    shared::no_log_prefix,
    shared::no_recreate,
    {"no-start", 0, boolean, "", "Create, but do not start"},
    shared::pull,
    shared::quiet_build,
    shared::quiet_pull,
    shared::remove_orphans,
    {"renew-anon-volumes", 'V', boolean, "", "Give recreated containers fresh anonymous volumes"},
    shared::scale,
    shared::timeout,
    {"timestamps", 0, boolean, "", "Show the time of each line"},
    {"wait", 0, boolean, "", "Wait until services are running, or healthy; implies --detach"},
    {"wait-timeout", 0, integer, "", "Seconds to wait at most"},
    {"watch", 'w', boolean, "", "", "", true},
    shared::yes,
};

inline constexpr Flag wait_flags[] = {
    {"down-project", 0, boolean, "", "Take the project down when the first container ends"},
};

}  // namespace consort::cli
