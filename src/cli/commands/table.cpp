// The commands of the program, by name.
#include <algorithm>

#include "cli/args/command.hpp"
#include "cli/commands/flags_change.hpp"
#include "cli/commands/flags_look.hpp"
#include "cli/commands/flags_shared.hpp"
#include "cli/commands/handlers.hpp"

namespace consort::cli {

namespace {

constexpr Flag program_flags[] = {
    {"all-resources", 0, boolean, "", "Keep networks and volumes that no service uses"},
    {"ansi", 0, text, "", "Whether to use control characters (\"never\"|\"always\"|\"auto\")", "auto"},
    {"compatibility", 0, boolean, "", "Name containers with underscores"},
    {"debug", 'D', boolean, "", "Tell more about errors", "", true},
    shared::dry_run,
    {"env-file", 0, list, "", "File of variables, instead of .env"},
    {"file", 'f', list, "", "Compose file; several are merged, \"-\" is standard input"},
    {"no-ansi", 0, boolean, "", "", "", true},
    {"parallel", 0, integer, "", "How much to do at a time; -1 is unlimited", "-1"},
    {"profile", 0, list, "", "Activate a profile, \"*\" all"},
    {"progress", 0, text, "", "How progress looks (auto, tty, plain, json, quiet)"},
    {"project-directory", 0, text, "", "Where relative paths start (default: the first file's directory)"},
    {"project-name", 'p', text, "", "Name of the project"},
    {"verbose", 0, boolean, "", "", "", true},
    {"version", 'v', boolean, "", "Print the version"},
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
    {"attach", "SERVICE", "Connect to the input and output of a running container", attach_flags, one, mixed,
     run_attach},
    {"build", services, "Build the images of services", build_flags, any, mixed, run_build},
    {"commit",
     "SERVICE [REFERENCE]",
     "Make an image of a container's changes",
     commit_flags,
     {1, 2},
     mixed,
     run_commit},
    {"config", services, "Check the Compose file and print what it means", config_flags, any, mixed, run_config},
    {"cp",
     "SERVICE:SRC_PATH DEST_PATH|-",
     "Copy files between a container and the host",
     cp_flags,
     {2, 2},
     mixed,
     run_cp},
    {"create", services, "Create containers without starting them", create_flags, any, mixed, run_create},
    {"down", services, "Stop and remove containers and networks", down_flags, any, mixed, run_down},
    {"events", services, "Show what happens to containers as it happens", events_flags, any, mixed, run_events},
    {"exec", "SERVICE COMMAND [ARGS...]", "Run a command in a running container", exec_flags, {2}, first, run_exec},
    {"export", "SERVICE", "Write a container's file system as a tar archive", export_flags, one, mixed, run_export},
    {"image history", "IMAGE", "Show how an image was made", history_flags, one, mixed, run_image_history},
    {"image import",
     "FILE|- [REFERENCE]",
     "Make an image of a root file system",
     import_flags,
     {1, 2},
     mixed,
     run_image_import},
    {"image inspect",
     "IMAGE...",
     "Print what is known of images, as JSON",
     inspect_flags,
     {1},
     mixed,
     run_image_inspect},
    {"image load", "", "Read images from an archive", load_flags, none, mixed, run_image_load},
    {"image ls", "", "List the images on this machine", images_flags, any, mixed, run_image_list},
    {"image prune", "", "Remove images that nothing needs", prune_flags, none, mixed, run_image_prune},
    {"image pull", "REFERENCE...", "Get images from their registries", image_pull_flags, {1}, mixed, run_image_pull},
    {"image push", "REFERENCE...", "Send images to their registries", image_push_flags, {1}, mixed, run_image_push},
    {"image rm", "IMAGE...", "Remove images", image_rm_flags, {1}, mixed, run_image_rm},
    {"image save", "IMAGE...", "Write images to an archive", save_flags, {1}, mixed, run_image_save},
    {"image tag", "IMAGE REFERENCE", "Give an image a further name", {}, {2, 2}, mixed, run_image_tag},
    {"images", services, "List the images of the project's containers", images_flags, any, mixed, run_images},
    {"internal completion",
     "SHELL",
     "Print a completion script",
     {},
     one,
     mixed,
     run_internal_completion,
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
    {"internal sweep", "", "Remove what crashes left behind", {}, none, mixed, run_internal_sweep, Shown::hidden},
    {"kill", services, "Kill containers", kill_flags, any, mixed, run_kill},
    {"login", "[REGISTRY]", "Log in to a registry", login_flags, {0, 1}, mixed, run_login},
    {"logout", "[REGISTRY]", "Forget a registry's credentials", {}, {0, 1}, mixed, run_logout},
    {"logs", services, "Show what containers have written", logs_flags, any, mixed, run_logs},
    {"ls", "", "List projects", ls_flags, none, mixed, run_ls},
    {"pause", services, "Freeze containers", {}, any, mixed, run_pause},
    {"port", "SERVICE PRIVATE_PORT", "Print where a container's port is published", port_flags, {2}, mixed, run_port},
    {"ps", services, "List containers", ps_flags, any, mixed, run_ps},
    {"pull", services, "Get the images of services from their registries", pull_flags, any, mixed, run_pull},
    {"push", services, "Send the images of services to their registries", push_flags, any, mixed, run_push},
    {"restart", services, "Restart containers", restart_flags, any, mixed, run_restart},
    {"rm", services, "Remove stopped containers", rm_flags, any, mixed, run_rm, Shown::yes,
     "Anonymous volumes stay unless -v is given. Data that is not in a volume is lost."},
    {"run", "SERVICE [COMMAND] [ARGS...]", "Run a command in a container of its own", run_flags, {1}, first, run_run},
    {"scale",
     "[SERVICE=REPLICAS...]",
     "Change the number of containers of services",
     scale_flags,
     {1},
     mixed,
     run_scale},
    {"start", services, "Start containers that are there", start_flags, any, mixed, run_start},
    {"stats", "[SERVICE]", "Show what containers use, as it changes", stats_flags, any, mixed, run_stats},
    {"stop", services, "Stop containers", timeout_flags, any, mixed, run_stop},
    {"top", services, "Show the processes of containers", {}, any, mixed, run_top},
    {"unpause", services, "Let frozen containers go on", {}, any, mixed, run_unpause},
    {"up", services, "Create and start everything", up_flags, any, mixed, run_up},
    {"version", "", "Print the version", version_flags, none, mixed, run_version},
    {"volumes", services, "List volumes", volumes_flags, any, mixed, run_volumes},
    {"wait", "SERVICE [SERVICE...]", "Wait until containers end", wait_flags, {1}, mixed, run_wait},
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
