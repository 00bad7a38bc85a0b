// config.json of the OCI runtime specification for one container. Pure:
// what has to be looked up on the host comes in.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/checks/validate.hpp"
#include "engine/start/host.hpp"
#include "engine/types.hpp"
#include "runtime/spec.hpp"

namespace consort::engine {

struct OciInput {
  std::string id;
  std::string bundle;
  const ContainerSpec& spec;
  const ProcessConfig& process;
  std::string hostname, domainname;
  SecurityOptions security;
  std::uint64_t capabilities = 0;
  // Those of the user, already resolved to what is mounted; the defaults and the generated files are added here.
  std::vector<runtime::Mount> mounts;
  std::vector<runtime::Device> devices;  // of `devices:`, or all of the host's when privileged
  // "" = a new one, "host", or a path to join.
  std::string pid_namespace, ipc_namespace, uts_namespace;
  std::string shm_source;    // with a shared ipc namespace: the donor's /dev/shm
  std::string host_files;    // directory of hosts, hostname and resolv.conf; "" = none are mounted
  std::string seccomp_json;  // the filter as an OCI object; "" = it comes compiled, or there is none
  std::string cgroups_path;
  bool own_users = false;  // in a user namespace
};

// Code::invalid for what only shows here (a device's path, a blkio device that does not exist).
Result<std::string> make_oci_config(const OciInput& input);

// The order in which mounts must be made: parents before children, otherwise as they were.
void sort_mounts(std::vector<runtime::Mount>& mounts);

// Options of a tmpfs as `tmpfs: /run:size=1m,exec` gives them: Docker's defaults, replaced or extended.
std::vector<std::string> tmpfs_options(std::string_view text);

// sysctls that the runtime sets (kernel.*, fs.mqueue.*), and those that belong to the network namespace with Docker's
// defaults for it.
StringMap runtime_sysctls(const ContainerSpec& spec);
StringMap network_sysctls(const ContainerSpec& spec);

}  // namespace consort::engine
