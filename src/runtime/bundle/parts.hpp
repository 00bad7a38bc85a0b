// Functions shared by the operations on bundles.
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

// Rejects settings that are well-formed but meaningless, or that would change the host.
Result<> check_spec(const Spec& spec);
// Unknown capability names in a config.json: an error before version 1.1, a warning since then.
std::vector<std::string> unknown_capabilities(const std::string& config);

// The path of the container's cgroup. With systemd's notation, "a-b.slice:prefix:name" is
// /a.slice/a-b.slice/prefix-name.scope.
Result<std::string> cgroup_path(const Spec& spec, const std::string& id, bool systemd_paths);

struct BundleFilter {
  std::string program;  // bytes of sock_filter[]; "": no filter
  std::uint32_t flags = 0;
  std::string listener_path, listener_metadata;
};
// Compiles linux.seccomp of a complete config.json.
Result<BundleFilter> compile_filter(std::string_view config, const std::string& source);

// Sends the text over a stream socket with the descriptor attached to its first byte.
Result<> send_descriptor(const std::string& path, const std::string& text, int descriptor);
// Returns a function that sends the listener of a filter to the agent in the profile, with OCI's container process
// state.
std::function<Result<>(pid_t, Fd)> listener_sender(const BundleState& state, const BundleFilter& filter);
void unmount_root(const std::string& rootfs);

}  // namespace consort::runtime::internal
