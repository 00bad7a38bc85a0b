// Flags of the commands that display information, and of those that work with images. Included only by table.cpp.
#pragma once

#include "cli/commands/flags_shared.hpp"

namespace consort::cli {

using enum FlagKind;

inline constexpr Flag build_flags[] = {
    {"build-arg", 0, list, "", "Set a build argument (NAME=VALUE, or NAME to pass on its value here)"},
    {"builder", 0, text, "", "", "", true},
    {"check", 0, boolean, "", "Check the Dockerfile without building"},
    {"compress", 0, boolean, "", "", "", true},
    {"explain", 0, boolean, "", "Explain for each step why it was or was not cached"},
    {"force-rm", 0, boolean, "", "", "", true},
    {"memory", 'm', text, "bytes", "", "", true},
    {"no-cache", 0, boolean, "", "Do not use the cache"},
    {"no-rm", 0, boolean, "", "", "", true},
    {"parallel", 0, boolean, "", "", "", true},
    {"print", 0, boolean, "", "Print what would be built as JSON"},
    {"progress", 0, text, "", "", "", true},
    {"provenance", 0, text, "", "", "", true, "true"},
    {"pull", 0, boolean, "", "Always try to pull newer base images"},
    {"push", 0, boolean, "", "Push the images after building"},
    {"quiet", 'q', boolean, "", "Suppress the build output"},
    {"sbom", 0, text, "", "", "", true, "true"},
    {"ssh", 0, list, "", "SSH agent or keys to expose to build steps (\"default\", ID=SOCKET or ID=KEY)"},
    {"with-dependencies", 0, boolean, "", "Also build the services they depend on"},
};

inline constexpr Flag bridge_convert_flags[] = {
    {"output", 'o', text, "DIRECTORY", "Directory to write to; its content is replaced", "out"},
    {"templates", 0, text, "DIRECTORY", "Templates for the transformation"},
    {"transformation", 't', list, "IMAGE", "Image that converts the file (default: Kubernetes, built in)"},
    shared::yes,
};

inline constexpr Flag transformations_create_flags[] = {
    {"from", 'f', text, "IMAGE", "Transformation to start from", "docker/compose-bridge-kubernetes"},
};

inline constexpr Flag transformations_list_flags[] = {
    shared::format_table,
    shared::only_names,
};

inline constexpr Flag config_flags[] = {
    {"check", 0, boolean, "", "Only report what is wrong; --format json or sarif for editors and CI"},
    {"environment", 0, boolean, "", "Print the environment used for interpolation"},
    {"fix", 0, boolean, "", "Fix obvious mistakes in the files; the old ones are kept as FILE.bak"},
    {"format", 0, text, "", "Format of the output: yaml or json; sarif implies --check"},
    {"graph", 0, text, "", "Print the dependency graph (\"text\"|\"mermaid\"|\"dot\")", "", false, "text"},
    {"hash", 0, text, "", "Print the configuration hash of services (\"*\" for all)"},
    {"images", 0, boolean, "", "Print the images"},
    {"lock-image-digests", 0, boolean, "", "Print an override file that pins images to their digests"},
    {"models", 0, boolean, "", "Print the models"},
    {"networks", 0, boolean, "", "Print the networks"},
    {"no-consistency", 0, boolean, "", "Do not check the model for consistency"},
    {"no-env-resolution", 0, boolean, "", "Do not read the env_file of services"},
    {"no-interpolate", 0, boolean, "", "Do not replace variables"},
    {"no-normalize", 0, boolean, "", "Do not fill in defaults"},
    {"no-path-resolution", 0, boolean, "", "Do not make paths absolute"},
    shared::output,
    {"profiles", 0, boolean, "", "Print the profiles"},
    {"quiet", 'q', boolean, "", "Check the file without printing it"},
    {"resolve-image-digests", 0, boolean, "", "Pin image tags to digests"},
    {"services", 0, boolean, "", "Print the services"},
    {"variables", 0, boolean, "", "Print the variables of the file and their defaults"},
    {"volumes", 0, boolean, "", "Print the volumes"},
    {"why", 0, text, "PATH", "Show where a value comes from, e.g. services.web.image"},
};

inline constexpr Flag doctor_flags[] = {
    {"format", 0, text, "", "Format of the output: text or json", "text"},
};

inline constexpr Flag cp_flags[] = {
    {"all", 0, boolean, "", "Include containers created by run"},
    {"archive", 'a', boolean, "", "Archive mode (copy owners and groups)"},
    {"follow-link", 'L', boolean, "", "Always follow symbolic links in SRC_PATH"},
    shared::index,
    shared::no_progress,
};

inline constexpr Flag events_flags[] = {
    {"json", 0, boolean, "", "Print events as JSON, one object per line"},
    {"since", 0, text, "", "Show events since a timestamp or duration"},
    {"until", 0, text, "", "Show events until a timestamp or duration"},
};

inline constexpr Flag export_flags[] = {
    shared::index,
    shared::output,
};

inline constexpr Flag export_kubernetes_flags[] = {
    {"format", 0, text, "", "Format of the output: manifests, kustomize (a base) or helm (a chart)", "manifests"},
    {"output", 'o', text, "PATH", "Write to a file instead of standard output; to a directory for kustomize and helm"},
};

inline constexpr Flag export_quadlet_flags[] = {
    {"output", 'o', text, "DIRECTORY", "Write to a directory instead of standard output"},
    {"podman", 0, text, "VERSION", "Version of Podman that will run the units (4.3 or later)", "5"},
};

inline constexpr Flag export_systemd_flags[] = {
    {"output", 'o', text, "DIRECTORY", "Write to a directory instead of standard output"},
    {"program", 0, text, "PATH", "Path of consort on the machine that will run the units", "/usr/bin/consort"},
};

inline constexpr Flag commit_flags[] = {
    {"author", 'a', text, "", "Author (\"Jane Doe <jane@example.com>\")"},
    shared::change,
    shared::index,
    shared::message,
    {"pause", 'p', boolean, "", "Pause the container while committing", "true"},
};

inline constexpr Flag generate_flags[] = {
    {"format", 0, text, "", "Format of the output: yaml or json", "yaml"},
    {"name", 0, text, "", "Project name to write to the file"},
    {"project-dir", 0, text, "", "Project directory; bind mounts below it become relative paths"},
};

inline constexpr Flag history_flags[] = {
    shared::format_template,
    shared::no_trunc,
    shared::which_platform,
    shared::only_ids,
};

inline constexpr Flag inspect_any_flags[] = {
    {"format", 'f', text, "", "Format with a template, e.g. {{.Id}} or {{json .Config}}"},
    {"size", 's', boolean, "", "Show the total file sizes of containers"},
    {"type", 0, text, "", "Only look for objects of this type (container, image, network, volume)"},
};

inline constexpr Flag inspect_flags[] = {
    {"format", 'f', text, "", "Format with a template, e.g. {{.Id}} or {{json .Config}}"},
    shared::which_platform,
};

inline constexpr Flag image_list_flags[] = {
    {"all", 'a', boolean, "", "", "", true},
    {"digests", 0, boolean, "", "Show digests"},
    {"filter", 'f', list, "", "Filter by a condition (dangling=, label=, reference=, before=, since=)"},
    shared::format_template,
    shared::no_trunc,
    shared::only_ids,
};

inline constexpr Flag images_flags[] = {
    shared::format_table,
    shared::only_ids,
};

inline constexpr Flag logs_flags[] = {
    {"follow", 'f', boolean, "", "Follow the output"},
    shared::index,
    shared::no_color,
    shared::no_log_prefix,
    {"since", 0, text, "", "Show lines since a timestamp (2024-01-02T13:23:37Z) or duration (42m)"},
    {"tail", 'n', text, "", "Number of lines to show from the end", "all"},
    {"timestamps", 't', boolean, "", "Show timestamps"},
    {"until", 0, text, "", "Show lines before a timestamp (2024-01-02T13:23:37Z) or duration (42m)"},
};

inline constexpr Flag ls_flags[] = {
    {"all", 'a', boolean, "", "Include stopped projects"},
    {"filter", 0, list, "filter", "Filter by a condition (name=REGEX)"},
    shared::format_table,
    shared::only_names,
};

inline constexpr Flag port_flags[] = {
    shared::index,
    {"protocol", 0, text, "", "tcp or udp", "tcp"},
};

inline constexpr Flag viz_flags[] = {
    {"image", 0, boolean, "", "Include the image of each service"},
    {"indentation-size", 0, integer, "", "Number of tabs or spaces for each indentation", "1"},
    {"networks", 0, boolean, "", "Include the networks of each service"},
    {"ports", 0, boolean, "", "Include the ports of each service"},
    {"spaces", 0, boolean, "", "Indent with spaces instead of tabs"},
};

inline constexpr Flag system_df_flags[] = {
    {"format", 0, text, "", "Format of the output: table, json, or a template", "table"},
};
inline constexpr Flag system_info_flags[] = {
    {"format", 'f', text, "", "Format of the output: json"},
};
inline constexpr Flag system_prune_flags[] = {
    {"all", 'a', boolean, "", "Remove all unused images, not only dangling ones"},
    shared::force,
    {"volumes", 0, boolean, "", "Also remove anonymous volumes"},
};
inline constexpr Flag only_force_flags[] = {
    {"all", 'a', boolean, "", "", "", true},
    shared::force,
};

inline constexpr Flag ps_flags[] = {
    {"all", 'a', boolean, "", "Include stopped containers and those created by run"},
    {"all-projects", 0, boolean, "", "Include the containers of all projects"},
    {"filter", 0, text, "", "Filter by a condition (status=STATUS)"},
    shared::format_template,
    {"last", 0, integer, "", "Only show the last N created containers, in any state"},
    {"latest", 0, boolean, "", "Only show the latest created container, in any state"},
    shared::no_trunc,
    {"orphans", 0, boolean, "", "Include containers of services not defined in the Compose file", "true"},
    shared::only_ids,
    {"services", 0, boolean, "", "Only print service names"},
    {"status", 0, list, "", "Filter by status (paused, restarting, removing, running, dead, created or exited)"},
};

inline constexpr Flag pull_flags[] = {
    {"ignore-buildable", 0, boolean, "", "Ignore images that can be built"},
    {"ignore-pull-failures", 0, boolean, "", "Pull what can be pulled, ignore the rest"},
    {"include-deps", 0, boolean, "", "Also pull the services they depend on"},
    {"policy", 0, text, "", "When to pull (\"missing\"|\"always\")"},
    shared::no_progress,
};

inline constexpr Flag push_flags[] = {
    {"ignore-push-failures", 0, boolean, "", "Push what can be pushed, ignore the rest"},
    {"include-deps", 0, boolean, "", "Also push the services they depend on"},
    shared::no_progress,
};

inline constexpr Flag stats_flags[] = {
    {"all", 'a', boolean, "", "Include stopped containers"},
    {"format", 0, text, "", "Format of the output: table, json, or a template"},
    {"no-stream", 0, boolean, "", "Show the usage once and exit"},
    shared::no_trunc,
};

inline constexpr Flag version_flags[] = {
    {"format", 'f', text, "", "Format of the output: pretty or json"},
    {"short", 0, boolean, "", "Show only the version number"},
};

inline constexpr Flag volumes_flags[] = {
    shared::format_template,
    shared::only_names,
};

inline constexpr Flag import_flags[] = {
    shared::change,
    shared::message,
    {"platform", 0, text, "", "Platform of the image (default: this machine's)"},
};

inline constexpr Flag load_flags[] = {
    {"input", 'i', text, "FILE", "Read from a file instead of standard input"},
    shared::one_platform,
    {"quiet", 'q', boolean, "", "Suppress the output"},
};

inline constexpr Flag prune_flags[] = {
    {"all", 'a', boolean, "", "Remove all unused images, not only dangling ones"},
    {"build-cache", 0, boolean, "", "Also remove the build cache"},
    shared::force,
};

inline constexpr Flag image_pull_flags[] = {
    {"disable-content-trust", 0, boolean, "", "", "", true},
    {"platform", 0, text, "", "Platform to pull (default: this machine's)"},
    shared::no_progress,
};

inline constexpr Flag image_push_flags[] = {
    {"disable-content-trust", 0, boolean, "", "", "", true},
    shared::one_platform,
    shared::no_progress,
};

inline constexpr Flag image_rm_flags[] = {
    {"force", 'f', boolean, "", "Remove the image even if containers use it or it has several names"},
};

inline constexpr Flag save_flags[] = {
    {"format", 0, text, "", "Format of the archive: docker or oci", "docker"},
    shared::output,
    shared::one_platform,
};

inline constexpr Flag login_flags[] = {
    {"password", 'p', text, "", "Password (prefer --password-stdin)"},
    {"password-stdin", 0, boolean, "", "Read the password from standard input"},
    {"username", 'u', text, "", "Username"},
};

}  // namespace consort::cli
