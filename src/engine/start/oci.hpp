// Creates config.json of the OCI runtime specification for one container. Pure: everything that has to be looked up on
// the host is passed in.
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
  // The user's mounts, with resolved sources; the default mounts and the generated files are added here.
  std::vector<runtime::Mount> mounts;
  std::vector<runtime::Device> devices;  // from `devices:`, or all of the host's if privileged
  // "" = a new one, "host", or the path of one to join.
  std::string pid_namespace, ipc_namespace, uts_namespace;
  std::string shm_source;    // with a shared IPC namespace: the /dev/shm of the container that shares it
  std::string host_files;    // directory of hosts, hostname and resolv.conf; "" = do not mount them
  std::string seccomp_json;  // the filter as an OCI object; "" = it is compiled, or there is none
  std::string cgroups_path;
  bool own_users = false;  // has a user namespace of its own
};

// Code::invalid for errors that are only detected here (a device's path, a blkio device that does not exist).
Result<std::string> make_oci_config(const OciInput& input);

// Sorts mounts into the order in which they must be made: parents before children, otherwise unchanged.
void sort_mounts(std::vector<runtime::Mount>& mounts);

// The options of a tmpfs as in `tmpfs: /run:size=1m,exec`: Docker's defaults, overridden or extended.
std::vector<std::string> tmpfs_options(std::string_view text);

// The sysctls that the runtime sets (kernel.*, fs.mqueue.*), and those of the network namespace, including Docker's
// defaults.
StringMap runtime_sysctls(const ContainerSpec& spec);
StringMap network_sysctls(const ContainerSpec& spec);

}  // namespace consort::engine
