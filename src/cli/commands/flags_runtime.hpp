// Flags of `consort runtime`, which are runc's: Podman, containerd and people type those. Included by table.cpp and
// runtime.cpp only.
#pragma once

#include "cli/commands/flags_shared.hpp"

namespace consort::cli {

using enum FlagKind;

// Between `runtime` and the command.
inline constexpr Flag runtime_flags[] = {
    {"cgroup-manager", 0, text, "", "cgroupfs, or systemd for the same as --systemd-cgroup", "cgroupfs"},
    {"debug", 0, boolean, "", "Log more"},
    {"help", 'h', boolean, "", "", "", true},
    {"log", 0, text, "file", "File that errors and warnings are appended to (besides standard error)"},
    {"log-format", 0, text, "", "How they are written there (text, json)", "text"},
    {"root", 0, text, "dir", "Directory of the containers' states"},
    {"rootless", 0, text, "", "", "", true},
    {"systemd-cgroup", 0, boolean, "", "Take cgroupsPath as SLICE:PREFIX:NAME"},
    {"version", 'v', boolean, "", "Show the version"},
};

inline constexpr Flag bundle_flag{"bundle", 'b', text, "dir", "Directory of the bundle", "."};
inline constexpr Flag config_flag{"config", 'f', text, "file", "Config of the bundle", "config.json"};
inline constexpr Flag console_socket_flag{"console-socket", 0, text, "path",
                                          "Unix socket that the master of the terminal is sent to"};
inline constexpr Flag pid_file_flag{"pid-file", 0, text, "file", "File that the process id is written to"};
inline constexpr Flag pidfd_socket_flag{"pidfd-socket", 0, text, "path",
                                        "Unix socket that a descriptor of the process is sent to"};
inline constexpr Flag no_pivot_flag{"no-pivot", 0, boolean, "", "Move the root instead of pivoting (on a ramfs)"};
inline constexpr Flag no_new_keyring_flag{"no-new-keyring", 0, boolean, "", "", "", true};
inline constexpr Flag preserve_flag{
    "preserve-fds", 0, integer, "", "Number of further descriptors, from 3 on, that the process gets", "0"};

inline constexpr Flag runtime_create_flags[] = {bundle_flag,   config_flag,   console_socket_flag, no_new_keyring_flag,
                                                no_pivot_flag, pid_file_flag, pidfd_socket_flag,   preserve_flag};
inline constexpr Flag runtime_run_flags[] = {
    bundle_flag,
    config_flag,
    console_socket_flag,
    {"detach", 'd', boolean, "", "Return as soon as the container runs"},
    {"keep", 0, boolean, "", "Do not delete the container after its end"},
    no_new_keyring_flag,
    no_pivot_flag,
    {"no-subreaper", 0, boolean, "", "", "", true},
    pid_file_flag,
    pidfd_socket_flag,
    preserve_flag,
};
inline constexpr Flag runtime_exec_flags[] = {
    {"additional-gids", 'g', list, "gid", "Further group of the process"},
    {"apparmor", 0, text, "", "AppArmor profile of the process"},
    {"cap", 'c', list, "", "Add a capability"},
    {"cgroup", 0, list, "[controllers:]path", "Cgroup below the container's that the process is put into"},
    console_socket_flag,
    {"cwd", 0, text, "dir", "Working directory"},
    {"detach", 'd', boolean, "", "Return as soon as the process runs"},
    {"env", 'e', list, "key=value", "Set an environment variable"},
    {"ignore-paused", 0, boolean, "", "Do not fail if the container is paused"},
    {"no-new-privs", 0, boolean, "", "Set no_new_privs"},
    pid_file_flag,
    pidfd_socket_flag,
    preserve_flag,
    {"process", 'p', text, "file", "File with the process as JSON"},
    {"process-label", 0, text, "", "SELinux label of the process"},
    {"tty", 't', boolean, "", "Allocate a terminal"},
    {"user", 'u', text, "uid[:gid]", "User of the process"},
};
inline constexpr Flag runtime_kill_flags[] = {
    {"all", 'a', boolean, "", "Send the signal to all processes of the container"},
};
inline constexpr Flag runtime_delete_flags[] = {
    {"force", 'f', boolean, "", "Kill a container that runs; do not fail if there is none"},
};
inline constexpr Flag runtime_list_flags[] = {
    {"format", 'f', text, "", "table or json", "table"},
    {"quiet", 'q', boolean, "", "Only show ids"},
};
inline constexpr Flag runtime_ps_flags[] = {
    {"format", 'f', text, "", "table or json", "table"},
};
inline constexpr Flag runtime_spec_flags[] = {
    bundle_flag,
    {"rootless", 0, boolean, "", "For a user who is not root"},
};
inline constexpr Flag runtime_events_flags[] = {
    {"interval", 0, text, "", "Time between two lines", "5s"},
    {"stats", 0, boolean, "", "Show one line and return"},
};
inline constexpr Flag runtime_update_flags[] = {
    {"blkio-weight", 0, integer, "", "Weight of input and output, 10 to 1000"},
    {"cpu-burst", 0, integer, "", "Microseconds beyond the quota"},
    {"cpu-idle", 0, integer, "", "1: run only when nothing else does"},
    {"cpu-period", 0, integer, "", "Microseconds of a period"},
    {"cpu-quota", 0, integer, "", "Microseconds in a period"},
    {"cpu-rt-period", 0, integer, "", "Microseconds of a period of real-time processes"},
    {"cpu-rt-runtime", 0, integer, "", "Microseconds in such a period"},
    {"cpu-share", 0, integer, "", "CPU shares (relative weight)"},
    {"cpuset-cpus", 0, text, "", "CPUs to run on, e.g. 0-3,7"},
    {"cpuset-mems", 0, text, "", "Memory nodes"},
    {"memory", 0, text, "", "Bytes of memory, -1 for unlimited"},
    {"memory-reservation", 0, text, "", "Bytes that are kept under pressure"},
    {"memory-swap", 0, text, "", "Bytes of memory and swap, -1 for unlimited"},
    {"pids-limit", 0, integer, "", "Maximum number of processes; -1 for unlimited"},
    {"resources", 'r', text, "file", "File with the resources as JSON, \"-\" for standard input"},
};

}  // namespace consort::cli
