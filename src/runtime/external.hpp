// Runs the same bundle with an installed OCI runtime (runc, crun, youki): `runtime: runc`.
//
// begin_external() gives a Launch like any other (launch.hpp): ready, start(), started. A helper process, forked from
// the caller, mounts the overlay in its own mount namespace (invisible on the host), runs `PROGRAM create`, reports,
// waits for start() and runs `PROGRAM start`. The container's init becomes a child of the nearest subreaper above the
// caller, i.e. of the keeper; exec (exec.hpp), cgroups and signals work as for our own runtime. After the container's
// end, remove_external() removes what the program keeps about it. The program may take any time, and is killed once the
// container is no longer wanted.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "runtime/launch.hpp"
#include "runtime/spec.hpp"

namespace consort::runtime {

struct ExternalRuntime {
  std::string program;                         // "runc" or a path
  std::string state_root;                      // --root
  std::chrono::milliseconds patience{30'000};  // for removing a container
};

// Mounts the overlay at bundle/rootfs in the caller's mount namespace, and unmounts it again.
Result<> mount_rootfs(const OverlayRoot& overlay, const std::string& target);
Result<> unmount_rootfs(const std::string& target);  // succeeds if it is not mounted

// Creates a config.json that any OCI runtime understands: users resolved to numbers, /sbin/docker-init in place, the
// network namespace by path.
struct PortableParts {
  int rootfs = -1;  // borrowed
  std::string init_program;
  std::map<std::string, std::string> namespaces;  // paths by OCI's types, replacing those in the spec
  std::map<std::size_t, std::string> sources;     // sources of mounts by index, replacing those in the spec
};
Result<std::string> portable_config(std::string_view config_json, const std::string& source,
                                    const PortableParts& parts);

// The spec is that of options.bundle, except that a mount source or a namespace to join may be one of the caller's
// descriptors ("/proc/self/fd/N"), which replaces the bundle's. The caller must not have other threads that allocate
// while it forks. options.child_of is ignored. The pid, pidfd and console are available from `ready` on; watch
// sync_fd() as always.
Result<Launch> begin_external(const ExternalRuntime& runtime, const Spec& spec, const LaunchOptions& options);
// Blocks for some 20 ms, and no longer than the runtime's patience (Code::busy). Succeeds if the program does not know
// the container.
Result<> remove_external(const ExternalRuntime& runtime, const std::string& id);

}  // namespace consort::runtime
