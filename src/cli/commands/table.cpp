// The commands of the program, by name.
#include <algorithm>

#include "cli/args/command.hpp"
#include "cli/commands/export_kubernetes.hpp"
#include "cli/commands/flags_change.hpp"
#include "cli/commands/flags_container.hpp"
#include "cli/commands/flags_look.hpp"
#include "cli/commands/flags_resources.hpp"
#include "cli/commands/flags_runtime.hpp"
#include "cli/commands/flags_shared.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/handlers_docker.hpp"
#include "cli/commands/watch.hpp"

namespace consort::cli {

namespace {

constexpr Flag program_flags[] = {
    {"all-resources", 0, boolean, "", "Include resources that no service uses"},
    {"ansi", 0, text, "", "When to print ANSI control characters (\"never\"|\"always\"|\"auto\")", "auto"},
    {"compatibility", 0, boolean, "", "Name containers with underscores"},
    {"debug", 'D', boolean, "", "Show more detail in errors", "", true},
    shared::dry_run,
    {"env-file", 0, list, "", "Environment file to read instead of .env"},
    {"file", 'f', list, "", "Compose file; several are merged, \"-\" reads standard input"},
    {"insecure-registry", 0, list, "HOST", "", "", true},
    {"namespace", 0, text, "", "Namespace on the cluster"},
    {"no-ansi", 0, boolean, "", "", "", true},
    {"on", 0, text, "PLACE", "Where to run: kubernetes[:CONTEXT], or here"},
    {"parallel", 0, integer, "", "Maximum number of operations at a time; -1 for unlimited", "-1"},
    {"profile", 0, list, "", "Activate a profile; \"*\" activates all of them"},
    {"progress", 0, text, "", "Type of progress output (auto, tty, plain, json, quiet)"},
    {"project-directory", 0, text, "", "Directory that relative paths start from"},
    {"project-name", 'p', text, "", "Project name"},
    {"registry", 0, text, "", "Registry that a cluster pulls from"},
    {"verbose", 0, boolean, "", "", "", true},
    {"version", 'v', boolean, "", "Show the version"},
    {"workdir", 0, text, "", "", "", true},
};

constexpr Flag every_flags[] = {
    shared::dry_run,
    {"help", 'h', boolean, "", "", "", true},
};

constexpr FlagPlace first = FlagPlace::before_arguments;
constexpr FlagPlace mixed = FlagPlace::anywhere;
constexpr ArgumentCount any{};
constexpr ArgumentCount none{0, 0};
constexpr ArgumentCount one{1, 1};

constexpr std::string_view services = "[SERVICE...]";

constexpr Command table[] = {
    {"alpha viz", "", "Print the services as a graph for Graphviz", viz_flags, none, mixed, run_viz},
    {"attach", "SERVICE", "Attach to a running container's input and output", attach_flags, one, mixed, run_attach},
    {"boot",
     "enable|disable|status",
     "Bring back at boot what was running",
     {},
     one,
     mixed,
     run_boot,
     Shown::yes,
     "What was running when the machine went down runs again after it has started, if its service says `restart: "
     "always`, or `unless-stopped` and nobody has stopped it: in the order in which services depend on each other, "
     "each "
     "as soon as what it depends on is as the file wants it. systemd calls it, the system's for root and the user's "
     "own "
     "for others; without systemd, let cron do so: @reboot consort internal boot."},
    {"build", services, "Build or rebuild services", build_flags, any, mixed, run_build},
    {"builder prune", "", "Remove the build cache", only_force_flags, none, mixed, run_builder_prune},
    {"commit",
     "SERVICE [REFERENCE]",
     "Create an image from a container's changes",
     commit_flags,
     {1, 2},
     mixed,
     run_commit},
    {"config", services, "Check the Compose file and print it as Consort reads it", config_flags, any, mixed,
     run_config},
    {"container create",
     "IMAGE [COMMAND] [ARGS...]",
     "Create a container from an image",
     container_run_flags,
     {1},
     first,
     run_container_create},
    {"container prune", "", "Remove all stopped containers", only_force_flags, none, mixed, run_container_prune},
    {"container run",
     "IMAGE [COMMAND] [ARGS...]",
     "Create a container from an image and run it",
     container_run_flags,
     {1},
     first,
     run_container_run,
     Shown::yes,
     "Where there is no Compose file, `run IMAGE` means this."},
    {"cp",
     "SERVICE:SRC_PATH DEST_PATH|-",
     "Copy files between a container and the host",
     cp_flags,
     {2, 2},
     mixed,
     run_cp},
    {"create", services, "Create containers without starting them", create_flags, any, mixed, run_create},
    {"docker-cli-plugin-metadata",
     "",
     "Describe this program to docker",
     {},
     none,
     mixed,
     run_plugin_metadata,
     Shown::hidden},
    {"doctor", "", "Try what containers need on this machine, and say how to mend what is missing", doctor_flags, none,
     mixed, run_doctor},
    {"down", services, "Stop and remove containers and networks", down_flags, any, mixed, run_down},
    {"events", services, "Show container events as they happen", events_flags, any, mixed, run_events},
    {"exec", "SERVICE COMMAND [ARGS...]", "Run a command in a running container", exec_flags, {2}, first, run_exec},
    {"export", "SERVICE", "Export a container's file system as a tar archive", export_flags, one, mixed, run_export},
    {"export kubernetes", "", "Print the project as objects of Kubernetes", export_kubernetes_flags, none, mixed,
     run_export_kubernetes, Shown::yes,
     "One YAML stream, for `kubectl apply -f -`. What cannot be had there is refused, or warned of, with its line: see "
     "the reference of attributes. Images that are built here must be pushed (`build --push`)."},
    {"image history", "IMAGE", "Show the history of an image", history_flags, one, mixed, run_image_history},
    {"image import",
     "FILE|- [REFERENCE]",
     "Create an image from a root file system",
     import_flags,
     {1, 2},
     mixed,
     run_image_import},
    {"image inspect", "IMAGE...", "Show the details of images as JSON", inspect_flags, {1}, mixed, run_image_inspect},
    {"image load", "", "Load images from an archive", load_flags, none, mixed, run_image_load},
    {"image ls", "", "List images", images_flags, any, mixed, run_image_list},
    {"image prune", "", "Remove unused images", prune_flags, none, mixed, run_image_prune},
    {"image pull", "REFERENCE...", "Pull images from their registries", image_pull_flags, {1}, mixed, run_image_pull},
    {"image push", "REFERENCE...", "Push images to their registries", image_push_flags, {1}, mixed, run_image_push},
    {"image rm", "IMAGE...", "Remove images", image_rm_flags, {1}, mixed, run_image_rm},
    {"image save", "IMAGE...", "Save images to an archive", save_flags, {1}, mixed, run_image_save},
    {"image tag", "IMAGE REFERENCE", "Give an image another name", {}, {2, 2}, mixed, run_image_tag},
    {"images", services, "List the images used by the project's containers", images_flags, any, mixed, run_images},
    {"inspect",
     "NAME...",
     "Show the details of containers, images, networks or volumes as JSON",
     inspect_any_flags,
     {1},
     mixed,
     run_inspect},
    {"internal boot",
     "",
     "Start what ran before the machine was started",
     {},
     none,
     mixed,
     run_internal_boot,
     Shown::hidden},
    {"internal complete",
     "[WORD...]",
     "Print what may stand at the cursor",
     {},
     any,
     first,
     run_internal_complete,
     Shown::hidden},
    {"internal completion",
     "SHELL",
     "Print a completion script",
     {},
     one,
     mixed,
     run_internal_completion,
     Shown::hidden},
    {"internal enter",
     "COMMAND [ARGS...]",
     "Run a program in your user namespace, where files of containers are yours",
     {},
     {1},
     first,
     run_internal_enter,
     Shown::hidden},
    {"internal kubernetes-reference",
     "",
     "Print what each attribute is on Kubernetes",
     {},
     none,
     mixed,
     run_internal_kubernetes_reference,
     Shown::hidden},
    {"internal man", "[COMMAND]", "Print a manual page", {}, {0, 2}, mixed, run_internal_man, Shown::hidden},
    {"internal reference",
     "",
     "Print the reference of all commands",
     {},
     none,
     mixed,
     run_internal_reference,
     Shown::hidden},
    {"internal run-job",
     "PROJECT JOB",
     "Run a job that is due",
     run_job_flags,
     {2, 2},
     mixed,
     run_internal_run_job,
     Shown::hidden},
    {"internal shutdown",
     "",
     "Stop everything, to be started at the next boot",
     {},
     none,
     mixed,
     run_internal_shutdown,
     Shown::hidden},
    {"internal sweep", "", "Remove what crashes left behind", {}, none, mixed, run_internal_sweep, Shown::hidden},
    {"job cancel", "JOB", "Stop the run of a job that is under way", {}, one, mixed, run_job_cancel},
    {"job inspect", "JOB", "Show the details of a job as JSON", job_inspect_flags, one, mixed, run_job_inspect},
    {"job logs", "JOB", "Show the output of a job's runs", job_logs_flags, one, mixed, run_job_logs},
    {"job ls", "", "List jobs", job_list_flags, none, mixed, run_job_list},
    {"job pause", "JOB", "Stop running a job by its schedule", {}, one, mixed, run_job_pause},
    {"job prune", "", "Remove jobs that have no schedule", job_prune_flags, none, mixed, run_job_prune},
    {"job resume", "JOB", "Run a job by its schedule again", {}, one, mixed, run_job_resume},
    {"job rm", "JOB...", "Remove jobs", job_rm_flags, {1}, mixed, run_job_rm},
    {"job run", "JOB", "Run a job now, in the background", job_run_flags, one, mixed, run_job_run},
    {"job runs", "JOB", "List the runs of a job", job_runs_flags, one, mixed, run_job_runs},
    {"job wait", "JOB", "Wait until a job has ended, and exit with its code", {}, one, mixed, run_job_wait},
    {"kill", services, "Kill containers", kill_flags, any, mixed, run_kill},
    {"login", "[REGISTRY]", "Log in to a registry", login_flags, {0, 1}, mixed, run_login},
    {"logout", "[REGISTRY]", "Log out from a registry", {}, {0, 1}, mixed, run_logout},
    {"logs", services, "Show the output of containers", logs_flags, any, mixed, run_logs},
    {"ls", "", "List projects", ls_flags, none, mixed, run_ls},
    {"network connect",
     "NETWORK CONTAINER",
     "Connect a container to a network",
     network_connect_flags,
     {2, 2},
     mixed,
     run_network_connect},
    {"network create", "NETWORK", "Create a network", network_create_flags, one, mixed, run_network_create},
    {"network disconnect",
     "NETWORK CONTAINER",
     "Disconnect a container from a network",
     network_disconnect_flags,
     {2, 2},
     mixed,
     run_network_disconnect},
    {"network inspect",
     "NETWORK...",
     "Show the details of networks as JSON",
     inspect_resource_flags,
     {1},
     mixed,
     run_network_inspect},
    {"network ls", "", "List networks", network_list_flags, none, mixed, run_network_list},
    {"network prune", "", "Remove unused networks", network_prune_flags, none, mixed, run_network_prune},
    {"network rm", "NETWORK...", "Remove networks", remove_resource_flags, {1}, mixed, run_network_rm},
    {"pause", services, "Pause containers", {}, any, mixed, run_pause},
    {"port", "SERVICE PRIVATE_PORT", "Print the host address of a published port", port_flags, {2}, mixed, run_port},
    {"ps", services, "List containers", ps_flags, any, mixed, run_ps},
    {"publish", "REPOSITORY[:TAG]", "Publish the project's Compose files as an artifact at a registry", publish_flags,
     one, mixed, run_publish, Shown::yes,
     "Whoever reads it runs it with `-f oci://REPOSITORY`, or includes it in a file of their own. Images that are "
     "built "
     "are pushed first."},
    {"pull", services, "Pull the images of services", pull_flags, any, mixed, run_pull},
    {"push", services, "Push the images of services", push_flags, any, mixed, run_push},
    {"restart", services, "Restart containers", restart_flags, any, mixed, run_restart},
    {"rm", services, "Remove stopped containers", rm_flags, any, mixed, run_rm, Shown::yes,
     "Anonymous volumes are kept unless -v is given. Data that is not in a volume is lost."},
    {"run", "SERVICE [COMMAND] [ARGS...]", "Run a one-off command in a new container", run_flags, {1}, first, run_run},
    {"runtime create", "ID", "Create a container from an OCI bundle; its process waits", runtime_create_flags, one,
     mixed, run_runtime_create},
    {"runtime delete", "ID", "Delete a container that has stopped", runtime_delete_flags, one, mixed,
     run_runtime_delete},
    {"runtime events", "ID", "Show what a container uses, as JSON lines", runtime_events_flags, one, mixed,
     run_runtime_events},
    {"runtime exec",
     "ID [COMMAND] [ARGS...]",
     "Run a further process in a container",
     runtime_exec_flags,
     {1},
     first,
     run_runtime_exec},
    {"runtime features", "", "Show what this runtime can do, as JSON", {}, none, mixed, run_runtime_features},
    {"runtime kill",
     "ID [SIGNAL]",
     "Send a signal to a container's first process",
     runtime_kill_flags,
     {1, 2},
     mixed,
     run_runtime_kill},
    {"runtime list", "", "List containers of bundles", runtime_list_flags, none, mixed, run_runtime_list},
    {"runtime pause", "ID", "Pause all processes of a container", {}, one, mixed, run_runtime_pause},
    {"runtime ps",
     "ID [PS OPTIONS]",
     "List the processes of a container",
     runtime_ps_flags,
     {1},
     first,
     run_runtime_ps},
    {"runtime resume", "ID", "Resume a paused container", {}, one, mixed, run_runtime_resume},
    {"runtime run", "ID", "Create and start a container, and wait for its end", runtime_run_flags, one, mixed,
     run_runtime_run},
    {"runtime spec", "", "Write a config.json to start from", runtime_spec_flags, none, mixed, run_runtime_spec},
    {"runtime start", "ID", "Start the process of a created container", {}, one, mixed, run_runtime_start},
    {"runtime state", "ID", "Show the state of a container as JSON", {}, one, mixed, run_runtime_state},
    {"runtime update", "ID", "Change the limits of a container", runtime_update_flags, one, mixed, run_runtime_update},
    {"scale", "[SERVICE=REPLICAS...]", "Set the number of containers of services", scale_flags, {1}, mixed, run_scale},
    {"serve", "", "Serve Docker's Engine API to the docker command and other clients", serve_flags, none, mixed,
     run_serve, Shown::yes,
     "Clients find it with DOCKER_HOST. Whoever can write to the socket is root on this machine. The server may be "
     "ended "
     "at any time: containers do not notice."},
    {"start", services, "Start existing containers", start_flags, any, mixed, run_start},
    {"stats", "[SERVICE]", "Show live resource usage of containers", stats_flags, any, mixed, run_stats},
    {"stop", services, "Stop containers", timeout_flags, any, mixed, run_stop},
    {"system df", "", "Show how much disk space is used", system_df_flags, none, mixed, run_system_df},
    {"system info", "", "Show what there is on this machine", system_info_flags, none, mixed, run_system_info},
    {"system prune", "", "Remove what nothing uses", system_prune_flags, none, mixed, run_system_prune, Shown::yes,
     "Stopped containers, networks without containers, dangling images and the build cache. Named volumes are never "
     "removed; `volume prune --all` does that."},
    {"top", services, "Show the running processes of containers", {}, any, mixed, run_top},
    {"unpause", services, "Resume paused containers", {}, any, mixed, run_unpause},
    {"up", services, "Create and start containers", up_flags, any, mixed, run_up},
    {"version", "", "Show the version", version_flags, none, mixed, run_version},
    {"volume clone", "VOLUME NEW_VOLUME", "Copy a volume with all of its data", {}, {2, 2}, mixed, run_volume_clone},
    {"volume create", "[VOLUME]", "Create a volume", volume_create_flags, {0, 1}, mixed, run_volume_create},
    {"volume export", "VOLUME", "Export the data of a volume as a tar archive", volume_export_flags, one, mixed,
     run_volume_export},
    {"volume import",
     "VOLUME [FILE|-]",
     "Import the data of a volume from a tar archive",
     volume_import_flags,
     {1, 2},
     mixed,
     run_volume_import},
    {"volume inspect",
     "VOLUME...",
     "Show the details of volumes as JSON",
     inspect_resource_flags,
     {1},
     mixed,
     run_volume_inspect},
    {"volume ls", "", "List volumes", volume_list_flags, none, mixed, run_volume_list},
    {"volume prune", "", "Remove unused volumes", volume_prune_flags, none, mixed, run_volume_prune},
    {"volume rm", "VOLUME...", "Remove volumes: their data is lost", remove_resource_flags, {1}, mixed, run_volume_rm},
    {"volumes", services, "List the volumes of the project", volumes_flags, any, mixed, run_volumes},
    {"wait", "SERVICE [SERVICE...]", "Wait until containers exit", wait_flags, {1}, mixed, run_wait},
    {"watch", services, "Watch source code and update containers as files are saved", watch_flags, any, mixed,
     run_watch, Shown::yes, "What is watched and what happens is written under `develop: watch:` of each service."},
};

constexpr std::string_view common[] = {"up", "down", "ps", "logs", "exec", "run", "build", "config", "restart", "stop"};
constexpr std::string_view running[] = {"create", "start", "kill",  "pause", "unpause", "rm",
                                        "scale",  "wait",  "watch", "job",   "boot"};
constexpr std::string_view looking[] = {"ls",    "system", "alpha",   "events", "images", "port",
                                        "stats", "top",    "volumes", "doctor", "version"};
constexpr std::string_view inside[] = {"attach", "commit", "container", "cp", "export", "inspect", "runtime"};
constexpr std::string_view of_the_machine[] = {"image",  "volume", "network", "builder", "login",
                                               "logout", "pull",   "push",    "publish", "serve"};

constexpr CommandGroup groups[] = {
    {"Common commands", common},         {"Run and stop containers", running}, {"See what there is", looking},
    {"Work with one container", inside}, {"The machine", of_the_machine},
};

}  // namespace

std::span<const Command> commands() {
  return table;
}
std::span<const CommandGroup> command_groups() {
  return groups;
}
std::span<const Flag> global_flags() {
  return program_flags;
}
std::span<const Flag> common_flags() {
  return every_flags;
}

const Command* find_command(std::string_view name) {
  const auto found = std::ranges::find(table, name, &Command::name);
  return found == std::end(table) ? nullptr : &*found;
}

}  // namespace consort::cli
