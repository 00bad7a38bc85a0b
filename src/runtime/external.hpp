// The same bundle, handed to an installed OCI runtime (runc, crun, youki): `runtime: runc`.
//
// begin_external() gives a Launch like any other (launch.hpp): ready, start(), started. A helper process, forked from
// the caller, mounts the overlay in a mount namespace of its own (nothing shows on the host), runs `PROGRAM create`,
// reports, waits for start() and runs `PROGRAM start`. The container's init becomes a child of the nearest subreaper
// above the caller, i.e. of the keeper; exec (exec.hpp), cgroups and signals work on it as on ours. What the program
// keeps about the container is removed by remove_external() after its end. The program may take any time, and is killed
// once nobody wants the container any more.
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
  std::chrono::milliseconds patience{30'000};  // for what takes a container away
};

// Mounts overlay at bundle/rootfs in the caller's mount namespace, and takes it away again.
Result<> mount_rootfs(const OverlayRoot& overlay, const std::string& target);
Result<> unmount_rootfs(const std::string& target);  // not mounted is success

// A config.json that any OCI runtime understands: users resolved to numbers, /sbin/docker-init in place, netns by path.
struct PortableParts {
  int rootfs = -1;  // borrowed
  std::string init_program;
  std::map<std::string, std::string> namespaces;  // paths by OCI's types, instead of those that are named
  std::map<std::size_t, std::string> sources;     // of mounts, by their number, instead of those that are named
};
Result<std::string> portable_config(std::string_view config_json, const std::string& source,
                                    const PortableParts& parts);

// The spec is that of options.bundle; where it has a descriptor of the caller's ("/proc/self/fd/N") as the source of a
// mount or as a namespace to join, that is what counts, and not what the bundle names in its place.
// The caller must not have other threads that allocate while it forks. options.child_of is ignored. The pid, pidfd and
// console are there from `ready` on; sync_fd() is to be watched as always.
Result<Launch> begin_external(const ExternalRuntime& runtime, const Spec& spec, const LaunchOptions& options);
// Blocks for some 20 ms, and no longer than for the runtime's patience (Code::busy). A container that the program does
// not know is success.
Result<> remove_external(const ExternalRuntime& runtime, const std::string& id);

}  // namespace consort::runtime
