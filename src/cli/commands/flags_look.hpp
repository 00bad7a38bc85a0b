// Flags of the commands that look, and of those that handle images. Included by table.cpp only.
#pragma once

#include "cli/commands/flags_shared.hpp"

namespace consort::cli {

using enum FlagKind;

inline constexpr Flag build_flags[] = {
    {"build-arg", 0, list, "", "Set a build argument (NAME=VALUE, or NAME to pass ours)"},
    {"builder", 0, text, "", "", "", true},
    {"check", 0, boolean, "", "Check the Dockerfile without building"},
    {"compress", 0, boolean, "", "", "", true},
    {"explain", 0, boolean, "", "Say for each step why it was or was not taken from the cache"},
    {"force-rm", 0, boolean, "", "", "", true},
    {"memory", 'm', text, "bytes", "", "", true},
    {"no-cache", 0, boolean, "", "Run every step again"},
    {"no-rm", 0, boolean, "", "", "", true},
    {"parallel", 0, boolean, "", "", "", true},
    {"print", 0, boolean, "", "Print what would be built, as JSON"},
    {"progress", 0, text, "", "", "", true},
    {"provenance", 0, text, "", "", "", true, "true"},
    {"pull", 0, boolean, "", "Look for newer base images"},
    {"push", 0, boolean, "", "Push the images afterwards"},
    {"quiet", 'q', boolean, "", "Show nothing of the build"},
    {"sbom", 0, text, "", "", "", true, "true"},
    {"ssh", 0, list, "", "Let steps use an SSH agent or keys (\"default\", ID=SOCKET or ID=KEY)"},
    {"with-dependencies", 0, boolean, "", "Build the services they depend on, too"},
};

inline constexpr Flag config_flags[] = {
    {"check", 0, boolean, "", "Only tell what is wrong; --format json or sarif for editors and CI"},
    {"environment", 0, boolean, "", "Print the environment that variables are taken from"},
    {"fix", 0, boolean, "", "Correct in the files what is certain to be a mistake"},
    {"format", 0, text, "", "Format of the output: yaml or json; sarif implies --check"},
    {"hash", 0, text, "", "Print the configuration hash of services (\"*\": all)"},
    {"images", 0, boolean, "", "Print the images"},
    {"lock-image-digests", 0, boolean, "", "Print an override file that pins images to digests"},
    {"models", 0, boolean, "", "Print the models"},
    {"networks", 0, boolean, "", "Print the networks"},
    {"no-consistency", 0, boolean, "", "Do not check that the parts fit together"},
    {"no-env-resolution", 0, boolean, "", "Do not read env files of services"},
    {"no-interpolate", 0, boolean, "", "Leave variables as they are"},
    {"no-normalize", 0, boolean, "", "Do not fill in what is implied"},
    {"no-path-resolution", 0, boolean, "", "Leave paths relative"},
    shared::output,
    {"profiles", 0, boolean, "", "Print the profiles"},
    {"quiet", 'q', boolean, "", "Only check"},
    {"resolve-image-digests", 0, boolean, "", "Replace tags by digests"},
    {"services", 0, boolean, "", "Print the services"},
    {"variables", 0, boolean, "", "Print the variables and their defaults"},
    {"volumes", 0, boolean, "", "Print the volumes"},
    {"why", 0, text, "PATH", "Tell where a value comes from, as in services.web.image"},
};

inline constexpr Flag cp_flags[] = {
    {"all", 0, boolean, "", "Containers of the run command, too"},
    {"archive", 'a', boolean, "", "Keep users and groups"},
    {"follow-link", 'L', boolean, "", "Copy what a link at the source points to"},
    shared::index,
};

inline constexpr Flag events_flags[] = {
    {"json", 0, boolean, "", "One JSON object a line"},
    {"since", 0, text, "", "Start at this time"},
    {"until", 0, text, "", "End at this time"},
};

inline constexpr Flag export_flags[] = {
    shared::index,
    shared::output,
};

inline constexpr Flag commit_flags[] = {
    {"author", 'a', text, "", "Who made the image (\"Jane Doe <jane@example.com>\")"},
    shared::change,
    shared::index,
    shared::message,
    {"pause", 'p', boolean, "", "Freeze the container meanwhile", "true"},
};

inline constexpr Flag history_flags[] = {
    shared::format_template,
    shared::no_trunc,
    shared::which_platform,
    shared::only_ids,
};

inline constexpr Flag inspect_flags[] = {
    {"format", 'f', text, "", "A template: {{.Id}}, {{json .Config}}, ..."},
    shared::which_platform,
};

inline constexpr Flag images_flags[] = {
    shared::format_table,
    shared::only_ids,
};

inline constexpr Flag logs_flags[] = {
    {"follow", 'f', boolean, "", "Show new lines as they come"},
    shared::index,
    shared::no_color,
    shared::no_log_prefix,
    {"since", 0, text, "", "Lines since a time (2024-01-02T13:23:37Z) or for a while (42m)"},
    {"tail", 'n', text, "", "Number of lines from the end", "all"},
    {"timestamps", 't', boolean, "", "Show the time of each line"},
    {"until", 0, text, "", "Lines before a time, or until a while ago"},
};

inline constexpr Flag ls_flags[] = {
    {"all", 'a', boolean, "", "Projects without a running container, too"},
    {"filter", 0, list, "filter", "Only those that match (name=REGEX)"},
    shared::format_table,
    shared::only_names,
};

inline constexpr Flag port_flags[] = {
    shared::index,
    {"protocol", 0, text, "", "tcp or udp", "tcp"},
};

inline constexpr Flag ps_flags[] = {
    {"all", 'a', boolean, "", "Stopped containers and those of the run command, too"},
    {"filter", 0, text, "", "Only those that match (status=STATUS)"},
    shared::format_template,
    shared::no_trunc,
    {"orphans", 0, boolean, "", "Containers of services that the file does not have, too", "true"},
    shared::only_ids,
    {"services", 0, boolean, "", "Only names of services"},
    {"status", 0, list, "", "Only those that are paused, restarting, removing, running, dead, created or exited"},
};

inline constexpr Flag pull_flags[] = {
    {"ignore-buildable", 0, boolean, "", "Leave out images that can be built"},
    {"ignore-pull-failures", 0, boolean, "", "Pull what can be pulled"},
    {"include-deps", 0, boolean, "", "Pull for the services they depend on, too"},
    {"policy", 0, text, "", "When to pull (\"missing\"|\"always\")"},
    shared::no_progress,
};

inline constexpr Flag push_flags[] = {
    {"ignore-push-failures", 0, boolean, "", "Push what can be pushed"},
    {"include-deps", 0, boolean, "", "Push for the services they depend on, too"},
    shared::no_progress,
};

inline constexpr Flag stats_flags[] = {
    {"all", 'a', boolean, "", "Stopped containers, too"},
    {"format", 0, text, "", "Format of the output: table, json, or a template"},
    {"no-stream", 0, boolean, "", "Show once"},
    shared::no_trunc,
};

inline constexpr Flag version_flags[] = {
    {"format", 'f', text, "", "Format of the output: pretty or json"},
    {"short", 0, boolean, "", "Only the number"},
};

inline constexpr Flag volumes_flags[] = {
    shared::format_template,
    shared::only_names,
};

inline constexpr Flag import_flags[] = {
    shared::change,
    shared::message,
    {"platform", 0, text, "", "What the image is for, if not for this machine"},
};

inline constexpr Flag load_flags[] = {
    {"input", 'i', text, "FILE", "Read this file instead of standard input"},
    shared::one_platform,
    {"quiet", 'q', boolean, "", "Print nothing"},
};

inline constexpr Flag prune_flags[] = {
    {"all", 'a', boolean, "", "Images that have a name but no container, too"},
    {"build-cache", 0, boolean, "", "What build steps gave, too: the next builds run them again"},
    shared::force,
};

inline constexpr Flag image_pull_flags[] = {
    {"platform", 0, text, "", "Which variant, if not this machine's"},
    shared::no_progress,
};

inline constexpr Flag image_push_flags[] = {
    shared::one_platform,
    shared::no_progress,
};

inline constexpr Flag image_rm_flags[] = {
    {"force", 'f', boolean, "", "Even if containers use it, or it has several names"},
};

inline constexpr Flag save_flags[] = {
    {"format", 0, text, "", "docker or oci", "docker"},
    shared::output,
    shared::one_platform,
};

inline constexpr Flag login_flags[] = {
    {"password", 'p', text, "", "Password (better: --password-stdin)"},
    {"password-stdin", 0, boolean, "", "Read the password from standard input"},
    {"username", 'u', text, "", "User name"},
};

}  // namespace consort::cli
