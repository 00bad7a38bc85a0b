// Flags of the commands that change a project. Included by table.cpp only.
#pragma once

#include "cli/args/flags.hpp"

namespace consort::cli {

using enum FlagKind;

inline constexpr Flag attach_flags[] = {
    {"detach-keys", 0, text, "", "Keys that detach from the container", "ctrl-p,ctrl-q"},
    {"index", 0, integer, "", "Which replica, if the service has several"},
    {"no-stdin", 0, boolean, "", "Leave standard input alone"},
    {"sig-proxy", 0, boolean, "", "Pass signals on to the process", "true"},
};

inline constexpr Flag create_flags[] = {
    {"build", 0, boolean, "", "Build images first"},
    {"force-recreate", 0, boolean, "", "Recreate containers even if nothing about them has changed"},
    {"no-build", 0, boolean, "", "Never build, whatever the pull policy says"},
    {"no-recreate", 0, boolean, "", "Leave existing containers as they are"},
    {"pull", 0, text, "", "When to pull images (\"always\"|\"missing\"|\"never\"|\"build\")", "policy"},
    {"quiet-pull", 0, boolean, "", "Pull without showing layers"},
    {"remove-orphans", 0, boolean, "", "Remove containers of services that the file no longer has"},
    {"scale", 0, list, "SERVICE=NUM", "Number of containers of a service, instead of the file's"},
    {"yes", 'y', boolean, "", "Answer every question with yes"},
};

inline constexpr Flag down_flags[] = {
    {"remove-orphans", 0, boolean, "", "Remove containers of services that the file does not have, too"},
    {"rmi", 0, text, "", "Remove images: \"local\" (only those without a name of their own) or \"all\""},
    {"timeout", 't', integer, "", "Seconds to wait for containers to stop"},
    {"volumes", 'v', boolean, "", "Remove named volumes of the file and anonymous volumes: their data is lost"},
};

inline constexpr Flag exec_flags[] = {
    {"detach", 'd', boolean, "", "Run the command in the background"},
    {"env", 'e', list, "", "Set an environment variable (NAME=VALUE, or NAME to pass ours)"},
    {"index", 0, integer, "", "Which replica, if the service has several"},
    {"interactive", 'i', boolean, "", "Keep standard input open", "true", true},
    {"no-tty", 'T', boolean, "", "Do not allocate a terminal (default: not one unless ours is)"},
    {"privileged", 0, boolean, "", "Give the process all capabilities"},
    {"tty", 't', boolean, "", "Allocate a terminal", "", true},
    {"user", 'u', text, "", "Run as this user"},
    {"workdir", 'w', text, "", "Run in this directory"},
};

inline constexpr Flag kill_flags[] = {
    {"remove-orphans", 0, boolean, "", "Kill and remove containers of services that the file does not have, too"},
    {"signal", 's', text, "", "Signal to send", "SIGKILL"},
};

inline constexpr Flag timeout_flags[] = {
    {"timeout", 't', integer, "", "Seconds to wait for containers to stop"},
};

inline constexpr Flag restart_flags[] = {
    {"no-deps", 0, boolean, "", "Do not restart dependent services"},
    {"timeout", 't', integer, "", "Seconds to wait for containers to stop"},
};

inline constexpr Flag rm_flags[] = {
    {"all", 'a', boolean, "", "", "", true},
    {"force", 'f', boolean, "", "Do not ask"},
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
    {"pull", 0, text, "", "When to pull images (\"always\"|\"missing\"|\"never\")", "policy"},
    {"quiet", 'q', boolean, "", "Show no progress"},
    {"quiet-build", 0, boolean, "", "Show nothing of the build"},
    {"quiet-pull", 0, boolean, "", "Pull without showing layers"},
    {"remove-orphans", 0, boolean, "", "Remove containers of services that the file no longer has"},
    {"rm", 0, boolean, "", "Remove the container when it ends"},
    {"service-ports", 'P', boolean, "", "Publish the service's ports"},
    {"tty", 't', boolean, "", "Allocate a terminal", "", true},
    {"use-aliases", 0, boolean, "", "Give the container the service's network aliases"},
    {"user", 'u', text, "", "Run as this user"},
    {"volume", 'v', list, "", "Mount a volume or a path of the host"},
    {"workdir", 'w', text, "", "Run in this directory"},
};

inline constexpr Flag scale_flags[] = {
    {"no-deps", 0, boolean, "", "Do not start the services they depend on"},
};

inline constexpr Flag up_flags[] = {
    {"abort-on-container-exit", 0, boolean, "", "Stop everything as soon as one container ends"},
    {"abort-on-container-failure", 0, boolean, "", "Stop everything as soon as one container fails"},
    {"always-recreate-deps", 0, boolean, "", "Recreate the services that others depend on, too"},
    {"attach", 0, list, "", "Show the output of these services only"},
    {"attach-dependencies", 0, boolean, "", "Show the output of dependencies, too"},
    {"build", 0, boolean, "", "Build images first"},
    {"detach", 'd', boolean, "", "Return as soon as everything is started"},
    {"exit-code-from", 0, text, "SERVICE", "Exit with this service's code; implies --abort-on-container-exit"},
    {"force-recreate", 0, boolean, "", "Recreate containers even if nothing about them has changed"},
    {"menu", 0, boolean, "", "", "", true},
    {"no-attach", 0, list, "", "Do not show the output of these services"},
    {"no-build", 0, boolean, "", "Never build, whatever the pull policy says"},
    {"no-color", 0, boolean, "", "No colours"},
    {"no-deps", 0, boolean, "", "Do not start the services they depend on"},
    {"no-log-prefix", 0, boolean, "", "Do not put the container's name before its lines"},
    {"no-recreate", 0, boolean, "", "Leave existing containers as they are"},
    {"no-start", 0, boolean, "", "Create, but do not start"},
    {"pull", 0, text, "", "When to pull images (\"always\"|\"missing\"|\"never\")", "policy"},
    {"quiet-build", 0, boolean, "", "Show nothing of the build"},
    {"quiet-pull", 0, boolean, "", "Pull without showing layers"},
    {"remove-orphans", 0, boolean, "", "Remove containers of services that the file no longer has"},
    {"renew-anon-volumes", 'V', boolean, "", "Give recreated containers fresh anonymous volumes"},
    {"scale", 0, list, "SERVICE=NUM", "Number of containers of a service, instead of the file's"},
    {"timeout", 't', integer, "", "Seconds to wait for containers to stop"},
    {"timestamps", 0, boolean, "", "Show the time of each line"},
    {"wait", 0, boolean, "", "Wait until services are running, or healthy; implies --detach"},
    {"wait-timeout", 0, integer, "", "Seconds to wait at most"},
    {"watch", 'w', boolean, "", "", "", true},
    {"yes", 'y', boolean, "", "Answer every question with yes"},
};

inline constexpr Flag wait_flags[] = {
    {"down-project", 0, boolean, "", "Take the project down when the first container ends"},
};

}  // namespace consort::cli
