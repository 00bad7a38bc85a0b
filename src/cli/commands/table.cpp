// The commands of the program, by name.
#include <algorithm>

#include "cli/args/command.hpp"
#include "cli/commands/export/export.hpp"
#include "cli/commands/flags_change.hpp"
#include "cli/commands/flags_container.hpp"
#include "cli/commands/flags_look.hpp"
#include "cli/commands/flags_resources.hpp"
#include "cli/commands/flags_runtime.hpp"
#include "cli/commands/flags_shared.hpp"
#include "cli/commands/handlers.hpp"

namespace consort::cli {

namespace {

constexpr Flag program_flags[] = {
    {"all-resources", 0, boolean, "", "Include resources that no service uses"},
    {"ansi", 0, text, "", "When to print ANSI control characters (\"never\"|\"always\"|\"auto\")", "auto"},
    {"compatibility", 0, boolean, "", "Use underscores in container names"},
    {"debug", 'D', boolean, "", "Show more detail in errors", "", true},
    shared::dry_run,
    {"env-file", 0, list, "", "Environment file to read instead of .env"},
    {"file", 'f', list, "", "Compose file, or \"-\"; several are merged"},
    {"insecure-registry", 0, list, "HOST", "", "", true},
    {"namespace", 0, text, "", "Namespace on the cluster"},
    {"no-ansi", 0, boolean, "", "", "", true},
    {"on", 0, text, "PLACE", "Where to run: kubernetes[:CONTEXT], or here"},
    {"parallel", 0, integer, "", "Maximum number of parallel operations; -1 for unlimited", "-1"},
    {"profile", 0, list, "", "Activate a profile; \"*\" activates all of them"},
    {"progress", 0, text, "", "Type of progress output (auto, tty, plain, json, quiet)"},
    {"project-directory", 0, text, "", "Project directory, which relative paths start from"},
    {"project-name", 'p', text, "", "Project name"},
    {"registry", 0, text, "", "Registry for the cluster to pull from"},
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

// What a command needs, or does, beyond the default.
constexpr Command storeless(Command command) {
  command.store = Store::unused;
  return command;
}
constexpr Command needing_a_way_out(Command command) {
  command.way_out = WayOut::needed;
  return command;
}
constexpr Command making_room(Command command) {
  command.room = Room::made;
  return command;
}
constexpr Command also_of_containers(Command command) {
  command.takes = Takes::services_or_containers;
  return command;
}

constexpr Command table[] = {
    {"alpha generate",
     "CONTAINER...",
     "Generate a Compose file from existing containers",
     generate_flags,
     {1},
     mixed,
     run_generate},
    storeless({"alpha viz", "", "Print the services as a graph for Graphviz", viz_flags, none, mixed, run_viz}),
    also_of_containers({"attach", "SERVICE", "Attach to a running container's input and output", attach_flags, one,
                        mixed, run_attach}),
    storeless(
        {"boot",
         "enable|disable|status",
         "Start containers again at boot",
         {},
         one,
         mixed,
         run_boot,
         Shown::yes,
         "Containers that were running when the machine went down are started again: those with `restart: always`, and "
         "those with `unless-stopped` unless somebody stopped them. They start in dependency order, each as soon as "
         "its dependencies meet their conditions. systemd does this, the system's for root and your own otherwise; "
         "without "
         "systemd, use cron: @reboot consort internal boot."}),
    {"bridge convert", "", "Convert the Compose file into Kubernetes manifests, or another format",
     bridge_convert_flags, none, mixed, run_bridge_convert, Shown::yes,
     "Without --transformation, the objects of `export kubernetes` are written, one per file. A transformation is an "
     "image whose program reads /in/compose.yaml and writes to /out."},
    {"bridge transformations create", "PATH", "Create a directory to build a transformation from",
     transformations_create_flags, one, mixed, run_transformations_create},
    {"bridge transformations list", "", "List transformation images", transformations_list_flags, none, mixed,
     run_transformations_list},
    needing_a_way_out({"build", services, "Build or rebuild services", build_flags, any, mixed, run_build}),
    making_room({"builder prune", "", "Remove the build cache", only_force_flags, none, mixed, run_builder_prune}),
    also_of_containers({"commit",
                        "SERVICE [REFERENCE]",
                        "Create an image from a container's changes",
                        commit_flags,
                        {1, 2},
                        mixed,
                        run_commit}),
    storeless({"config", services, "Check the Compose file and print it as Consort reads it", config_flags, any, mixed,
               run_config}),
    {"container create",
     "IMAGE [COMMAND] [ARGS...]",
     "Create a container from an image",
     container_run_flags,
     {1},
     first,
     run_container_create},
    {"container diff",
     "CONTAINER",
     "Show changes to files in a container's file system",
     {},
     one,
     mixed,
     run_container_diff},
    making_room(
        {"container prune", "", "Remove all stopped containers", only_force_flags, none, mixed, run_container_prune}),
    {"container rename", "CONTAINER NEW_NAME", "Rename a container", {}, {2, 2}, mixed, run_container_rename},
    {"container run",
     "IMAGE [COMMAND] [ARGS...]",
     "Create a container from an image and run it",
     container_run_flags,
     {1},
     first,
     run_container_run,
     Shown::yes,
     "Where there is no Compose file, `run IMAGE` means this."},
    {"container update",
     "CONTAINER...",
     "Update the limits and the restart policy of containers",
     container_update_flags,
     {1},
     mixed,
     run_container_update},
    {"container wait",
     "CONTAINER...",
     "Wait until containers exit, and print their exit codes",
     {},
     {1},
     mixed,
     run_container_wait},
    {"cp",
     "SERVICE:SRC_PATH DEST_PATH|-",
     "Copy files between a container and the host",
     cp_flags,
     {2, 2},
     mixed,
     run_cp},
    {"create", services, "Create containers without starting them", create_flags, any, mixed, run_create},
    storeless({"docker-cli-plugin-metadata",
               "",
               "Describe this program to docker",
               {},
               none,
               mixed,
               run_plugin_metadata,
               Shown::hidden}),
    storeless({"doctor", "", "Check that this machine has what containers need, and show how to fix what is missing",
               doctor_flags, none, mixed, run_doctor}),
    making_room({"down", services, "Stop and remove containers and networks", down_flags, any, mixed, run_down}),
    {"events", services, "Show container events as they happen", events_flags, any, mixed, run_events},
    also_of_containers({"exec",
                        "SERVICE COMMAND [ARGS...]",
                        "Run a command in a running container",
                        exec_flags,
                        {2},
                        first,
                        run_exec}),
    also_of_containers({"export", "SERVICE", "Export a container's file system as a tar archive", export_flags, one,
                        mixed, run_export}),
    storeless({"export kubernetes", "", "Export the project as Kubernetes manifests", export_kubernetes_flags, none,
               mixed, run_export_kubernetes, Shown::yes,
               "Prints one YAML stream for `kubectl apply -f -`. Settings that Kubernetes does not support are refused "
               "or get a "
               "warning with their line, and are listed in a file next to --output. Push built images first (`build "
               "--push`)."}),
    storeless(
        {"export quadlet", "", "Export the project as units for Podman", export_quadlet_flags, none, mixed,
         run_export_quadlet, Shown::yes,
         "Writes Quadlet files for /etc/containers/systemd or ~/.config/containers/systemd. Podman before 5.2 cannot "
         "read "
         "all of them: `--podman 4.3` writes plain units instead, for /etc/systemd/system (systemd 251 or later). Only "
         "their owner can read the files, but every local user can read loaded units with `systemctl show`: keep "
         "passwords "
         "in `secrets`. Settings that Podman does not support get a warning, and are listed in PROJECT.left-out.txt."}),
    storeless(
        {"export systemd", "", "Export the project as systemd units for Consort", export_systemd_flags, none, mixed,
         run_export_systemd, Shown::yes,
         "Writes files for /etc/systemd/system (systemd 251 or later): one unit per service, ordered by `depends_on`, "
         "PROJECT.target for all of them, timers for jobs, and the resolved file that they use. Settings that units do "
         "not "
         "support get a warning, and are listed in PROJECT.left-out.txt."}),
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
    {"image ls", "[REPOSITORY[:TAG]]", "List images", image_list_flags, {0, 1}, mixed, run_image_list},
    making_room({"image prune", "", "Remove unused images", prune_flags, none, mixed, run_image_prune}),
    {"image pull", "REFERENCE...", "Pull images from their registries", image_pull_flags, {1}, mixed, run_image_pull},
    {"image push", "REFERENCE...", "Push images to their registries", image_push_flags, {1}, mixed, run_image_push},
    making_room({"image rm", "IMAGE...", "Remove images", image_rm_flags, {1}, mixed, run_image_rm}),
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
    needing_a_way_out({"internal boot",
                       "",
                       "Start the containers that ran before the machine went down",
                       {},
                       any,
                       mixed,
                       run_internal_boot,
                       Shown::hidden}),
    storeless({"internal complete",
               "[WORD...]",
               "Print completions for the word at the cursor",
               {},
               any,
               first,
               run_internal_complete,
               Shown::hidden}),
    storeless({"internal completion",
               "SHELL",
               "Print a completion script",
               {},
               one,
               mixed,
               run_internal_completion,
               Shown::hidden}),
    {"internal enter",
     "COMMAND [ARGS...]",
     "Run a program in your user namespace, where files of containers are yours",
     {},
     {1},
     first,
     run_internal_enter,
     Shown::hidden},
    storeless({"internal kubernetes-reference",
               "",
               "Print what each attribute becomes on Kubernetes",
               {},
               none,
               mixed,
               run_internal_kubernetes_reference,
               Shown::hidden}),
    storeless({"internal man", "[COMMAND]", "Print a manual page", {}, {0, 2}, mixed, run_internal_man, Shown::hidden}),
    storeless({"internal reference",
               "",
               "Print the reference of all commands",
               {},
               none,
               mixed,
               run_internal_reference,
               Shown::hidden}),
    making_room({"internal remove-ended",
                 "PROJECT",
                 "Remove --rm containers that have exited",
                 {},
                 one,
                 mixed,
                 run_internal_remove_ended,
                 Shown::hidden}),
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
     "Stop everything, and start it again at the next boot",
     {},
     none,
     mixed,
     run_internal_shutdown,
     Shown::hidden},
    making_room(
        {"internal sweep", "", "Remove what crashes left behind", {}, none, mixed, run_internal_sweep, Shown::hidden}),
    storeless({"internal units-reference",
               "",
               "Print what each attribute becomes in systemd units",
               {},
               none,
               mixed,
               run_internal_units_reference,
               Shown::hidden}),
    {"job cancel", "JOB", "Cancel the run of a job that is in progress", {}, one, mixed, run_job_cancel},
    {"job inspect", "JOB", "Show the details of a job as JSON", job_inspect_flags, one, mixed, run_job_inspect},
    {"job logs", "JOB", "Show the output of a job's runs", job_logs_flags, one, mixed, run_job_logs},
    {"job ls", "", "List jobs", job_list_flags, none, mixed, run_job_list},
    {"job pause", "JOB", "Pause the schedule of a job", {}, one, mixed, run_job_pause},
    making_room({"job prune", "", "Remove jobs that have no schedule", job_prune_flags, none, mixed, run_job_prune}),
    {"job resume", "JOB", "Resume running a job on its schedule", {}, one, mixed, run_job_resume},
    making_room({"job rm", "JOB...", "Remove jobs", job_rm_flags, {1}, mixed, run_job_rm}),
    {"job run", "JOB", "Run a job now, in the background", job_run_flags, one, mixed, run_job_run},
    {"job runs", "JOB", "List the runs of a job", job_runs_flags, one, mixed, run_job_runs},
    {"job wait", "JOB", "Wait for a job to finish, and exit with its code", {}, one, mixed, run_job_wait},
    making_room(also_of_containers({"kill", services, "Kill containers", kill_flags, any, mixed, run_kill})),
    storeless({"login", "[REGISTRY]", "Log in to a registry", login_flags, {0, 1}, mixed, run_login}),
    storeless({"logout", "[REGISTRY]", "Log out from a registry", {}, {0, 1}, mixed, run_logout}),
    also_of_containers({"logs", services, "Show the output of containers", logs_flags, any, mixed, run_logs}),
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
    making_room({"network prune", "", "Remove unused networks", network_prune_flags, none, mixed, run_network_prune}),
    making_room({"network rm", "NETWORK...", "Remove networks", remove_resource_flags, {1}, mixed, run_network_rm}),
    also_of_containers({"pause", services, "Pause containers", {}, any, mixed, run_pause}),
    also_of_containers({"port",
                        "SERVICE PRIVATE_PORT",
                        "Print the host address of a published port",
                        port_flags,
                        {},
                        mixed,
                        run_port}),
    also_of_containers({"ps", services, "List containers", ps_flags, any, mixed, run_ps}),
    {"publish", "REPOSITORY[:TAG]", "Publish the project's Compose files to a registry", publish_flags, one, mixed,
     run_publish, Shown::yes,
     "Others can run it with `-f oci://REPOSITORY`, or include it in their own file. Images built for the project are "
     "pushed first."},
    {"pull", services, "Pull the images of services", pull_flags, any, mixed, run_pull},
    {"push", services, "Push the images of services", push_flags, any, mixed, run_push},
    needing_a_way_out(
        also_of_containers({"restart", services, "Restart containers", restart_flags, any, mixed, run_restart})),
    making_room(
        also_of_containers({"rm", services, "Remove stopped containers", rm_flags, any, mixed, run_rm, Shown::yes,
                            "Anonymous volumes are kept unless -v is given. Data that is not in a volume is lost."})),
    needing_a_way_out({"run",
                       "SERVICE [COMMAND] [ARGS...]",
                       "Run a one-off command in a new container",
                       run_flags,
                       {1},
                       first,
                       run_run}),
    {"runtime create", "ID", "Create a container from an OCI bundle without starting its process", runtime_create_flags,
     one, mixed, run_runtime_create},
    {"runtime delete", "ID", "Delete a stopped container", runtime_delete_flags, one, mixed, run_runtime_delete},
    {"runtime events", "ID", "Show the resource usage of a container as JSON lines", runtime_events_flags, one, mixed,
     run_runtime_events},
    {"runtime exec",
     "ID [COMMAND] [ARGS...]",
     "Run a command in a running container",
     runtime_exec_flags,
     {1},
     first,
     run_runtime_exec},
    {"runtime features", "", "Show the features of this runtime as JSON", {}, none, mixed, run_runtime_features},
    {"runtime kill",
     "ID [SIGNAL]",
     "Send a signal to a container's first process",
     runtime_kill_flags,
     {1, 2},
     mixed,
     run_runtime_kill},
    {"runtime list", "", "List containers created from bundles", runtime_list_flags, none, mixed, run_runtime_list},
    {"runtime pause", "ID", "Pause all processes of a container", {}, one, mixed, run_runtime_pause},
    {"runtime ps",
     "ID [PS OPTIONS]",
     "List the processes of a container",
     runtime_ps_flags,
     {1},
     first,
     run_runtime_ps},
    {"runtime resume", "ID", "Resume a paused container", {}, one, mixed, run_runtime_resume},
    {"runtime run", "ID", "Create and start a container, and wait until it exits", runtime_run_flags, one, mixed,
     run_runtime_run},
    {"runtime spec", "", "Write a default config.json", runtime_spec_flags, none, mixed, run_runtime_spec},
    {"runtime start", "ID", "Start the process of a created container", {}, one, mixed, run_runtime_start},
    {"runtime state", "ID", "Show the state of a container as JSON", {}, one, mixed, run_runtime_state},
    {"runtime update", "ID", "Change the limits of a container", runtime_update_flags, one, mixed, run_runtime_update},
    needing_a_way_out({"scale",
                       "[SERVICE=REPLICAS...]",
                       "Set the number of containers of services",
                       scale_flags,
                       {1},
                       mixed,
                       run_scale}),
    {"serve", "", "Serve Docker's Engine API to the docker command and other clients", serve_flags, none, mixed,
     run_serve, Shown::yes,
     "Clients find it through DOCKER_HOST. Anyone who can write to the socket has root access to this machine. The "
     "server can be stopped at any time; containers are not affected."},
    needing_a_way_out(
        also_of_containers({"start", services, "Start existing containers", start_flags, any, mixed, run_start})),
    also_of_containers(
        {"stats", "[SERVICE]", "Show live resource usage of containers", stats_flags, any, mixed, run_stats}),
    making_room(also_of_containers({"stop", services, "Stop containers", timeout_flags, any, mixed, run_stop})),
    {"system df", "", "Show how much disk space is used", system_df_flags, none, mixed, run_system_df},
    {"system info", "", "Show information about this machine", system_info_flags, none, mixed, run_system_info},
    making_room({"system prune", "", "Remove unused data", system_prune_flags, none, mixed, run_system_prune,
                 Shown::yes,
                 "Removes stopped containers, networks without containers, dangling images and the build cache. Named "
                 "volumes are "
                 "never removed; `volume prune --all` does that."}),
    also_of_containers({"top", services, "Show the running processes of containers", {}, any, mixed, run_top}),
    also_of_containers({"unpause", services, "Resume paused containers", {}, any, mixed, run_unpause}),
    needing_a_way_out({"up", services, "Create and start containers", up_flags, any, mixed, run_up}),
    storeless({"version", "", "Show the version", version_flags, none, mixed, run_version}),
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
    making_room({"volume prune", "", "Remove unused volumes", volume_prune_flags, none, mixed, run_volume_prune}),
    making_room({"volume rm",
                 "VOLUME...",
                 "Remove volumes: their data is lost",
                 remove_resource_flags,
                 {1},
                 mixed,
                 run_volume_rm}),
    {"volumes", services, "List the volumes of the project", volumes_flags, any, mixed, run_volumes},
    also_of_containers(
        {"wait", "SERVICE [SERVICE...]", "Wait until containers exit", wait_flags, {1}, mixed, run_wait}),
    needing_a_way_out({"watch", services, "Watch source code and update containers as files are saved", watch_flags,
                       any, mixed, run_watch, Shown::yes,
                       "`develop: watch:` of each service defines what to watch and what to do."}),
};

}  // namespace

std::span<const Command> commands() {
  return table;
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
