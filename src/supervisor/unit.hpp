// A container from the supervisor's point of view: everything needed to start, manage and remove it, without Compose or
// images. The engine writes it as unit.json into the container's directory before requesting a start; the supervisor
// reads that file and never the state database.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace consort::supervisor {

using Milliseconds = std::chrono::milliseconds;

struct OverlayUnit {
  std::vector<std::string> lower;  // top layer first
  std::string upper;
  std::string work;
};

struct LogUnit {
  std::string path;            // first file; rotated ones are path.1 (newest) ... path.N
  std::uint64_t max_size = 0;  // bytes; 0: never rotated
  unsigned max_file = 1;       // number of files, including the current one
  bool disabled = false;       // driver "none"
};

enum class RestartPolicy : std::uint8_t { no, on_failure, always, unless_stopped };

struct RestartUnit {
  RestartPolicy policy = RestartPolicy::no;
  unsigned max_retries = 0;  // with on_failure; 0: without limit
};

struct HealthUnit {
  std::vector<std::string> argv;  // as executed: the shell form is already {"/bin/sh", "-c", text}
  Milliseconds interval{30000};
  Milliseconds timeout{30000};
  Milliseconds start_period{0};
  Milliseconds start_interval{5000};
  unsigned retries = 3;
  bool eager = true;  // extra checks right after the start (docs/decisions/0032)
};

enum class NetworkMode : std::uint8_t { sandbox, host, none, container };

struct EndpointUnit {
  std::string network_id;
  std::string network_name;  // the real name ("proj_default"): names also resolve as NAME.NETWORK_NAME
  std::string bridge;
  std::string parent;    // the host's interface for macvlan or ipvlan, instead of a bridge
  std::string driver;    // with a parent: macvlan or ipvlan
  std::string mode;      // of that driver
  std::string ifname;    // "eth0"
  std::string ipv4;      // "172.18.0.2/16"; empty: none
  std::string gateway4;  // "172.18.0.1"; empty: none
  std::string ipv6;
  std::string gateway6;
  std::string mac;
  std::vector<std::string> link_local_ips;  // further addresses, with prefix length
  bool default_route = false;               // this endpoint's gateways become the container's default routes
  bool internal = false;                    // network without external access
  bool routed4 = false, routed6 = false;    // its addresses are routed to this host: no ports of the host are used
  bool direct4 = false, direct6 = false;    // all its ports are open at its own address (nat-unprotected)
  bool masquerade = true;                   // outgoing packets get the host's address
  bool isolated = false;                    // may communicate with the bridge only
  int mtu = 0;                              // 0: the kernel's
  std::vector<std::string> dns_names;       // service name, container name, aliases, short ID, hostname
};

struct PortUnit {
  std::string host_ip;              // empty: all addresses, IPv4 and IPv6
  std::uint16_t host_port = 0;      // 0: an ephemeral port, new at every start
  std::uint16_t host_port_end = 0;  // last port of a range to choose from; 0: just host_port
  std::uint16_t container_port = 0;
  std::string protocol = "tcp";  // tcp | udp
};

struct ContainerUnit {
  std::string id;    // 64 hex digits
  std::string name;  // "proj-web-1"
  std::string project;
  std::string service;
  unsigned number = 1;
  bool oneoff = false;
  std::vector<std::string> depends_on;  // services that stop after it when the whole project stops

  std::string bundle;                  // directory with config.json, seccomp.bpf, rootfs/, ...
  std::optional<OverlayUnit> overlay;  // none: the bundle's rootfs/ is used directly
  std::string runtime;                 // empty: the embedded runtime, else an OCI runtime's program ("runc")
  bool own_users = false;              // in a user namespace of its own: base/os/processes/container_users.hpp
  std::string users_of;                // then "", or the ID of a container whose users it shares
  std::string cgroup;  // relative to the cgroup root ("consort/PROJECT/ID"); empty: chosen by the supervisor

  bool tty = false;
  bool open_stdin = false;
  bool stdin_once = false;  // standard input is closed when the first attached client's ends
  LogUnit log;
  RestartUnit restart;
  int stop_signal = 15;
  Milliseconds stop_timeout{10000};
  std::optional<HealthUnit> health;

  NetworkMode network_mode = NetworkMode::sandbox;
  std::string network_container;  // ID, with NetworkMode::container
  std::string hostname;
  std::vector<EndpointUnit> endpoints;
  std::map<std::string, std::string> sysctls;  // net.*: set in the sandbox
  std::vector<PortUnit> ports;
  std::vector<std::uint16_t> exposed_tcp_ports;
  std::vector<std::string> dns_servers;                           // empty: the host's
  std::vector<std::pair<std::string, std::string>> link_aliases;  // alias -> container ID, only for this container

  bool auto_remove = false;  // `run --rm`: removed once it has ended (docs/decisions/0155)
};

std::string_view to_string(RestartPolicy policy);
std::string_view to_string(NetworkMode mode);
std::optional<RestartPolicy> restart_policy_from(std::string_view text);  // "no", "on-failure", "always", ...
std::optional<NetworkMode> network_mode_from(std::string_view text);

std::string unit_to_json(const ContainerUnit& unit);
// Code::invalid names the field. `source` names the text in the error. Unknown fields are ignored, so that an older
// supervisor can read what a newer engine writes.
Result<ContainerUnit> unit_from_json(std::string_view text, const std::string& source);
Result<ContainerUnit> read_unit(const std::string& path);

}  // namespace consort::supervisor
