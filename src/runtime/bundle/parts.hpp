// Pieces that the operations share.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "runtime/bundle.hpp"
#include "runtime/spec.hpp"

namespace consort::runtime::internal {

// What is well-formed and still means nothing, or would change the host.
Result<> check_spec(const Spec& spec);
// Names of capabilities in a config.json that nobody knows: an error before version 1.1, a warning since then.
std::vector<std::string> unknown_capabilities(const std::string& config);

// Where the container's groups are. With systemd's paths "a-b.slice:prefix:name" is
// /a.slice/a-b.slice/prefix-name.scope.
Result<std::string> cgroup_path(const Spec& spec, const std::string& id, bool systemd_paths);

struct BundleFilter {
  std::string program;  // bytes of sock_filter[]; "": no filter
  std::uint32_t flags = 0;
  std::string listener_path, listener_metadata;
};
// linux.seccomp of a whole config.json.
Result<BundleFilter> compile_filter(std::string_view config, const std::string& source);

// Over a stream socket: the text with the descriptor attached to its first byte.
Result<> send_descriptor(const std::string& path, const std::string& text, int descriptor);
// Hands the listener of a filter to the agent that the profile names, with OCI's container process state.
std::function<Result<>(pid_t, Fd)> listener_sender(const BundleState& state, const BundleFilter& filter);
void unmount_root(const std::string& rootfs);

}  // namespace consort::runtime::internal
