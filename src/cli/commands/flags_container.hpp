// Flags of `container run` and `container create`: those of `docker run`. Included only by table.cpp.
#pragma once

#include "cli/commands/flags_shared.hpp"

namespace consort::cli {

using enum FlagKind;

// Flags shared with `container update`.
namespace limits {
inline constexpr Flag blkio_weight{"blkio-weight", 0, integer, "", "Block I/O weight (10 to 1000), or 0 to disable"};
inline constexpr Flag cpu_period{"cpu-period", 0, integer, "", "Period of the CPU quota in microseconds"};
inline constexpr Flag cpu_quota{"cpu-quota", 0, integer, "", "CPU quota per period in microseconds"};
inline constexpr Flag cpu_rt_period{"cpu-rt-period", 0, integer, "", "Period of the real-time quota in microseconds"};
inline constexpr Flag cpu_rt_runtime{"cpu-rt-runtime", 0, integer, "",
                                     "Real-time CPU quota per period in microseconds"};
inline constexpr Flag cpu_shares{"cpu-shares", 'c', integer, "", "CPU shares (relative weight)"};
inline constexpr Flag cpus{"cpus", 0, text, "", "Number of CPUs, e.g. 1.5"};
inline constexpr Flag cpuset_cpus{"cpuset-cpus", 0, text, "", "CPUs to run on, e.g. 0-3,7"};
inline constexpr Flag cpuset_mems{"cpuset-mems", 0, text, "", "Memory nodes to use, e.g. 0,1"};
inline constexpr Flag memory{"memory", 'm', text, "", "Memory limit, e.g. 512m"};
inline constexpr Flag memory_reservation{"memory-reservation", 0, text, "", "Soft memory limit"};
inline constexpr Flag memory_swap{"memory-swap", 0, text, "", "Limit of memory plus swap; -1 for unlimited"};
inline constexpr Flag pids_limit{"pids-limit", 0, integer, "", "Maximum number of processes; -1 for unlimited"};
inline constexpr Flag restart{"restart", 0, text, "", "Restart policy (no, on-failure[:N], always, unless-stopped)"};
}  // namespace limits

inline constexpr Flag container_update_flags[] = {
    limits::blkio_weight,       limits::cpu_period,  limits::cpu_quota,   limits::cpu_rt_period, limits::cpu_rt_runtime,
    limits::cpu_shares,         limits::cpus,        limits::cpuset_cpus, limits::cpuset_mems,   limits::memory,
    limits::memory_reservation, limits::memory_swap, limits::pids_limit,  limits::restart,
};

inline constexpr Flag container_run_flags[] = {
    {"add-host", 0, list, "", "Add a host-to-IP mapping (HOST:ADDRESS)"},
    {"annotation", 0, list, "", "Add an annotation (KEY=VALUE)"},
    {"attach", 'a', list, "", "", "", true},
    limits::blkio_weight,
    {"blkio-weight-device", 0, list, "", "Weight of a block device (PATH:WEIGHT)"},
    {"cap-add", 0, list, "", "Add Linux capabilities"},
    {"cap-drop", 0, list, "", "Drop Linux capabilities"},
    {"cgroup-parent", 0, text, "", "Parent cgroup of the container"},
    {"cgroupns", 0, text, "", "Cgroup namespace (host, private)"},
    {"cidfile", 0, text, "file", "Write the container ID to a file"},
    limits::cpu_period,
    limits::cpu_quota,
    limits::cpu_rt_period,
    limits::cpu_rt_runtime,
    limits::cpu_shares,
    limits::cpus,
    limits::cpuset_cpus,
    limits::cpuset_mems,
    {"detach", 'd', boolean, "", "Run the container in the background and print its ID"},
    {"detach-keys", 0, text, "", "Keys that detach from the container", "ctrl-p,ctrl-q"},
    {"device", 0, list, "", "Add a host device (HOST[:CONTAINER[:PERMISSIONS]])"},
    {"device-cgroup-rule", 0, list, "", "Add a rule to the list of allowed devices, e.g. \"c 42:* rmw\""},
    {"device-read-bps", 0, list, "", "Limit reads from a device in bytes per second (PATH:RATE)"},
    {"device-read-iops", 0, list, "", "Limit reads from a device per second (PATH:RATE)"},
    {"device-write-bps", 0, list, "", "Limit writes to a device in bytes per second (PATH:RATE)"},
    {"device-write-iops", 0, list, "", "Limit writes to a device per second (PATH:RATE)"},
    {"disable-content-trust", 0, boolean, "", "", "", true},
    {"dns", 0, list, "", "Set name servers"},
    {"dns-option", 0, list, "", "Set options of the resolver"},
    {"dns-search", 0, list, "", "Set search domains"},
    {"domainname", 0, text, "", "Domain name of the container"},
    {"entrypoint", 0, text, "", "Override the image's entrypoint"},
    {"env", 'e', list, "", "Set an environment variable (NAME=VALUE, or NAME to pass on its value here)"},
    {"env-file", 0, list, "", "Read environment variables from a file"},
    {"expose", 0, list, "", "Expose a port"},
    {"group-add", 0, list, "", "Add groups"},
    {"health-cmd", 0, text, "", "Command to run to check health"},
    {"health-interval", 0, text, "", "Time between checks"},
    {"health-retries", 0, integer, "", "Consecutive failures needed to report unhealthy"},
    {"health-start-interval", 0, text, "", "Time between checks during the start period"},
    {"health-start-period", 0, text, "", "Time to start up before failures count"},
    {"health-timeout", 0, text, "", "Maximum time for one check"},
    {"hostname", 'h', text, "", "Host name of the container"},
    {"init", 0, boolean, "", "Run an init that forwards signals and reaps processes"},
    {"interactive", 'i', boolean, "", "Keep standard input open"},
    {"ip", 0, text, "", "IPv4 address"},
    {"ip6", 0, text, "", "IPv6 address"},
    {"ipc", 0, text, "", "IPC namespace (private, shareable, host, container:NAME)"},
    {"isolation", 0, text, "", "", "", true},
    {"label", 'l', list, "", "Add a label (KEY=VALUE)"},
    {"label-file", 0, list, "", "Read labels from a file, one per line"},
    {"link", 0, list, "", "Add a link to another container"},
    {"link-local-ip", 0, list, "", "Add a link-local address"},
    {"log-driver", 0, text, "", "Logging driver"},
    {"log-opt", 0, list, "", "Option of the logging driver (KEY=VALUE)"},
    {"mac-address", 0, text, "", "MAC address"},
    limits::memory,
    limits::memory_reservation,
    limits::memory_swap,
    {"memory-swappiness", 0, integer, "", "Memory swappiness (0 to 100)"},
    {"mount", 0, list, "", "Attach a mount (type=bind,source=...,target=...)"},
    {"name", 0, text, "", "Name of the container"},
    {"net", 0, text, "", "", "", true},
    {"network", 0, text, "", "Network of the container"},
    {"network-alias", 0, list, "", "Add an alias on the network"},
    {"no-healthcheck", 0, boolean, "", "Disable the image's health check"},
    {"oom-kill-disable", 0, boolean, "", "Disable the OOM killer for the container"},
    {"oom-score-adj", 0, integer, "", "Adjust the OOM score on the host (-1000 to 1000)"},
    {"pid", 0, text, "", "PID namespace (host, container:NAME)"},
    limits::pids_limit,
    {"platform", 0, text, "", "Platform of the image"},
    {"privileged", 0, boolean, "", "Give extended privileges"},
    {"publish", 'p', list, "", "Publish a port (HOST:CONTAINER)"},
    {"publish-all", 'P', boolean, "", "Publish all exposed ports to random ports"},
    {"pull", 0, text, "", "When to pull the image (always, missing, never)", "missing"},
    {"quiet", 'q', boolean, "", "Do not show the progress of the pull"},
    {"read-only", 0, boolean, "", "Mount the root file system read-only"},
    limits::restart,
    {"rm", 0, boolean, "", "Remove the container when it exits"},
    {"runtime", 0, text, "", "Runtime of the container"},
    {"security-opt", 0, list, "", "Security options"},
    {"shm-size", 0, text, "", "Size of /dev/shm"},
    {"sig-proxy", 0, boolean, "", "Forward received signals to the process", "true"},
    {"stop-signal", 0, text, "", "Signal that stops the container"},
    {"stop-timeout", 0, integer, "", "Seconds to wait before killing the container"},
    {"storage-opt", 0, list, "", "Option of the storage driver (KEY=VALUE)"},
    {"sysctl", 0, list, "", "Set a kernel parameter (KEY=VALUE)"},
    {"tmpfs", 0, list, "", "Mount a tmpfs (PATH[:OPTIONS])"},
    {"tty", 't', boolean, "", "Allocate a terminal"},
    {"ulimit", 0, list, "", "Set a limit (NAME=SOFT[:HARD])"},
    {"user", 'u', text, "", "User (NAME|UID[:GROUP|GID])"},
    {"userns", 0, text, "", "User namespace (host)"},
    {"uts", 0, text, "", "UTS namespace (host)"},
    {"volume", 'v', list, "", "Bind mount a volume (SOURCE:TARGET[:OPTIONS])"},
    {"volume-driver", 0, text, "", "Volume driver of the container's volumes"},
    {"volumes-from", 0, list, "", "Mount the volumes of another container"},
    {"workdir", 'w', text, "", "Working directory inside the container"},
};

}  // namespace consort::cli
