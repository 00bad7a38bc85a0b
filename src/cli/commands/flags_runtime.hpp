// Flags of `consort runtime`, which are runc's because Podman, containerd and users pass those. Included only by
// table.cpp and runtime.cpp.
#pragma once

#include "cli/commands/flags_shared.hpp"

namespace consort::cli {

using enum FlagKind;

// Given between `runtime` and the command.
inline constexpr Flag runtime_flags[] = {
    {"cgroup-manager", 0, text, "", "Same as --systemd-cgroup if systemd (cgroupfs, systemd)", "cgroupfs"},
    {"debug", 0, boolean, "", "Log more"},
    {"help", 'h', boolean, "", "", "", true},
    {"log", 0, text, "file", "Also append errors and warnings to this file"},
    {"log-format", 0, text, "", "Format of the log file (text, json)", "text"},
    {"root", 0, text, "dir", "Directory for the state of containers"},
    {"rootless", 0, text, "", "", "", true},
    {"systemd-cgroup", 0, boolean, "", "Read cgroupsPath as SLICE:PREFIX:NAME"},
    {"version", 'v', boolean, "", "Show the version"},
};

inline constexpr Flag bundle_flag{"bundle", 'b', text, "dir", "Directory of the bundle", "."};
inline constexpr Flag config_flag{"config", 'f', text, "file", "Config of the bundle", "config.json"};
inline constexpr Flag console_socket_flag{"console-socket", 0, text, "path",
                                          "Unix socket to send the terminal's master to"};
inline constexpr Flag pid_file_flag{"pid-file", 0, text, "file", "Write the process ID to a file"};
inline constexpr Flag pidfd_socket_flag{"pidfd-socket", 0, text, "path",
                                        "Unix socket to send a file descriptor of the process to"};
inline constexpr Flag no_pivot_flag{"no-pivot", 0, boolean, "", "Move the root instead of pivoting (on a ramfs)"};
inline constexpr Flag no_new_keyring_flag{"no-new-keyring", 0, boolean, "", "", "", true};
inline constexpr Flag preserve_flag{
    "preserve-fds", 0, integer, "", "Number of additional file descriptors to pass to the process, from 3 on", "0"};

inline constexpr Flag runtime_create_flags[] = {bundle_flag,   config_flag,   console_socket_flag, no_new_keyring_flag,
                                                no_pivot_flag, pid_file_flag, pidfd_socket_flag,   preserve_flag};
inline constexpr Flag runtime_run_flags[] = {
    bundle_flag,
    config_flag,
    console_socket_flag,
    {"detach", 'd', boolean, "", "Return as soon as the container runs"},
    {"keep", 0, boolean, "", "Do not delete the container when it exits"},
    no_new_keyring_flag,
    no_pivot_flag,
    {"no-subreaper", 0, boolean, "", "", "", true},
    pid_file_flag,
    pidfd_socket_flag,
    preserve_flag,
};
inline constexpr Flag runtime_exec_flags[] = {
    {"additional-gids", 'g', list, "gid", "Additional group of the process"},
    {"apparmor", 0, text, "", "AppArmor profile of the process"},
    {"cap", 'c', list, "", "Add a capability"},
    {"cgroup", 0, list, "[controllers:]path", "Cgroup below the container's to put the process into"},
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
    {"force", 'f', boolean, "", "Kill the container if it is running; do not fail if it does not exist"},
};
inline constexpr Flag runtime_list_flags[] = {
    {"format", 'f', text, "", "table or json", "table"},
    {"quiet", 'q', boolean, "", "Only print IDs"},
};
inline constexpr Flag runtime_ps_flags[] = {
    {"format", 'f', text, "", "table or json", "table"},
};
inline constexpr Flag runtime_spec_flags[] = {
    bundle_flag,
    {"rootless", 0, boolean, "", "Write one for use without root"},
};
inline constexpr Flag runtime_events_flags[] = {
    {"interval", 0, text, "", "Interval between lines", "5s"},
    {"stats", 0, boolean, "", "Show one line and exit"},
};
inline constexpr Flag runtime_update_flags[] = {
    {"blkio-weight", 0, integer, "", "Block I/O weight (10 to 1000)"},
    {"cpu-burst", 0, integer, "", "CPU burst in microseconds"},
    {"cpu-idle", 0, integer, "", "1 to run only on idle CPUs"},
    {"cpu-period", 0, integer, "", "CPU period in microseconds"},
    {"cpu-quota", 0, integer, "", "CPU quota per period in microseconds"},
    {"cpu-rt-period", 0, integer, "", "CPU real-time period in microseconds"},
    {"cpu-rt-runtime", 0, integer, "", "CPU real-time runtime per period in microseconds"},
    {"cpu-share", 0, integer, "", "CPU shares (relative weight)"},
    {"cpuset-cpus", 0, text, "", "CPUs to run on, e.g. 0-3,7"},
    {"cpuset-mems", 0, text, "", "Memory nodes"},
    {"memory", 0, text, "", "Memory limit in bytes; -1 for unlimited"},
    {"memory-reservation", 0, text, "", "Soft memory limit in bytes"},
    {"memory-swap", 0, text, "", "Limit of memory plus swap in bytes; -1 for unlimited"},
    {"pids-limit", 0, integer, "", "Maximum number of processes; -1 for unlimited"},
    {"resources", 'r', text, "file", "File with the resources as JSON, \"-\" for standard input"},
};

}  // namespace consort::cli
