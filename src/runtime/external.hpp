// The same bundle, handed to an installed OCI runtime (runc, crun, youki): `runtime: runc`.
//
// The program is run as `NAME --root DIR create|start|kill|delete`. Its container's init becomes a child of whoever is
// the subreaper, i.e. of the keeper. create blocks for tens of milliseconds; the supervisor runs it as a child and
// watches it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "runtime/launch.hpp"
#include "runtime/spec.hpp"

namespace consort::runtime {

struct ExternalRuntime {
  std::string program;     // "runc" or a path
  std::string state_root;  // --root
};

// Mounts overlay at bundle/rootfs in the caller's mount namespace, and takes it away again.
Result<> mount_rootfs(const OverlayRoot& overlay, const std::string& target);
Result<> unmount_rootfs(const std::string& target);  // not mounted is success

// A config.json that any OCI runtime understands: users resolved to numbers, /sbin/docker-init in place, netns by path.
Result<std::string> portable_config(std::string_view config_json, const std::string& source, int rootfs,
                                    const std::string& netns_path, const std::string& init_program);

std::vector<std::string> create_command(const ExternalRuntime& runtime, const std::string& id,
                                        const std::string& bundle, const std::string& pid_file,
                                        const std::string& console_socket);
std::vector<std::string> start_command(const ExternalRuntime& runtime, const std::string& id);
std::vector<std::string> delete_command(const ExternalRuntime& runtime, const std::string& id);

}  // namespace consort::runtime
