// Flags of the commands for volumes, networks and jobs of the whole machine, and of `serve`. Included only by
// table.cpp.
#pragma once

#include "cli/commands/flags_shared.hpp"

namespace consort::cli {

using enum FlagKind;

inline constexpr Flag resource_format{"format", 'f', text, "", "Format with a template, e.g. {{.Name}} or {{json .}}"};

inline constexpr Flag volume_list_flags[] = {
    {"filter", 'f', list, "", "Filter by a condition (dangling=true, driver=, label=, name=)"},
    shared::format_template,
    shared::only_names,
};
inline constexpr Flag volume_create_flags[] = {
    {"driver", 'd', text, "", "Volume driver", "local"},
    {"label", 0, list, "", "Add a label (KEY=VALUE)"},
    {"opt", 'o', list, "", "Set an option of the driver (type=, o=, device=)"},
};
inline constexpr Flag inspect_resource_flags[] = {resource_format};
inline constexpr Flag remove_resource_flags[] = {
    {"force", 'f', boolean, "", "Do not fail if it does not exist"},
};
inline constexpr Flag volume_prune_flags[] = {
    {"all", 'a', boolean, "", "Remove all unused volumes, not only anonymous ones"},
    {"filter", 0, list, "", "Filter by a condition (label=)"},
    shared::force,
};
inline constexpr Flag volume_export_flags[] = {shared::output};
inline constexpr Flag volume_import_flags[] = {
    {"force", 0, boolean, "", "Extract even if the volume is not empty"},
};

inline constexpr Flag run_job_flags[] = {
    {"due", 0, integer, "", "", "", true},
    {"id", 0, text, "", "", "", true},
};
inline constexpr Flag job_list_flags[] = {
    shared::format_template,
    shared::only_names,
};
inline constexpr Flag job_runs_flags[] = {
    {"before", 0, text, "RUN", "Show only runs before this one"},
    shared::format_template,
    {"limit", 'n', integer, "", "Show at most this many runs"},
};
inline constexpr Flag job_inspect_flags[] = {
    {"format", 'f', text, "", "Format of the output: json, or a template"},
    {"run", 0, text, "RUN", "Show one run instead of the job"},
};
inline constexpr Flag job_run_flags[] = {
    {"reschedule", 0, boolean, "", "Run it in place of the next scheduled run"},
};
inline constexpr Flag job_logs_flags[] = {
    {"follow", 'f', boolean, "", "Wait until the run ends"},
    {"run", 0, text, "RUN", "Show the output of this run (default: the latest)"},
};
inline constexpr Flag job_rm_flags[] = {
    {"runs", 0, text, "", "What to do with its history (\"keep\"|\"remove\"|\"remove-finished\")", "keep"},
};
inline constexpr Flag job_prune_flags[] = {
    shared::force,
    {"label", 0, list, "", "Remove only jobs with this label (KEY or KEY=VALUE)"},
};
inline constexpr Flag network_list_flags[] = {
    {"filter", 'f', list, "", "Filter by a condition (dangling=true, driver=, id=, label=, name=)"},
    shared::format_template,
    shared::no_trunc,
    shared::only_ids,
};
inline constexpr Flag network_create_flags[] = {
    {"attachable", 0, boolean, "", "", "", true},
    {"aux-address", 0, list, "", "Reserve an address in the subnet (NAME=ADDRESS)"},
    {"driver", 'd', text, "", "Network driver", "bridge"},
    {"gateway", 0, list, "", "Gateway of a subnet"},
    {"internal", 0, boolean, "", "Restrict external access to the network"},
    {"ip-range", 0, list, "", "Allocate addresses from a range within a subnet"},
    {"ipam-driver", 0, text, "", "IP address management driver", "default"},
    {"ipam-opt", 0, list, "", "Set an option of the IPAM driver"},
    {"ipv4", 0, boolean, "", "Enable IPv4", "true"},
    {"ipv6", 0, boolean, "", "Enable IPv6"},
    {"label", 0, list, "", "Add a label (KEY=VALUE)"},
    {"opt", 'o', list, "", "Set an option of the driver"},
    {"subnet", 0, list, "", "Subnet in CIDR format"},
};
inline constexpr Flag network_connect_flags[] = {
    {"alias", 0, list, "", "Add a network-scoped alias for the container"},
    {"driver-opt", 0, list, "", "Set an option of the driver for this connection"},
    {"gw-priority", 0, integer, "", "The network with the highest priority provides the default gateway"},
    {"ip", 0, text, "", "IPv4 address (e.g. 172.30.100.104)"},
    {"ip6", 0, text, "", "IPv6 address (e.g. 2001:db8::33)"},
    {"link", 0, list, "", "Add a link to another container (NAME[:ALIAS])"},
    {"link-local-ip", 0, list, "", "Add a link-local address for the container"},
};
inline constexpr Flag network_disconnect_flags[] = {
    {"force", 'f', boolean, "", "Disconnect the container even if the network is gone"},
};
inline constexpr Flag network_prune_flags[] = {
    {"filter", 0, list, "", "Filter by a condition (label=)"},
    shared::force,
};

inline constexpr Flag serve_flags[] = {
    {"host", 'H', list, "",
     "Address to listen on, unix:///PATH or tcp://ADDRESS:PORT (default: docker.sock in the run directory)"},
    {"idle-timeout", 0, integer, "SECONDS",
     "Exit after this many seconds without a connection (default 60 under systemd)"},
    {"install", 0, boolean, "", "Create a context for the docker command, and exit"},
    {"project", 0, text, "NAME", "Restrict clients to this project"},
    {"read-only", 0, boolean, "", "Refuse all changes"},
    {"tlscacert", 0, text, "FILE", "CA certificate to verify clients with (default \"~/.docker/ca.pem\")"},
    {"tlscert", 0, text, "FILE", "Certificate of the server (default \"~/.docker/cert.pem\")"},
    {"tlskey", 0, text, "FILE", "Key of the server (default \"~/.docker/key.pem\")"},
    {"tlsverify", 0, boolean, "", "Only accept TCP clients with a certificate from that CA"},
};

}  // namespace consort::cli
