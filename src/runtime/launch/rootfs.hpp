// Detached mounts, created by the parent and moved into place by the child, so that nothing shows in the host's mount
// table.
#pragma once

#include <string>

#include "base/os/fd.hpp"
#include "runtime/launch.hpp"

namespace consort::runtime::internal {

// The hint if a mount fails with ENOSPC.
inline constexpr const char* limit_of_mounts = "this is the limit of mounts (fs.mount-max), not disk space";

// A detached overlay. On kernels whose overlayfs does not support the new mount API, it is mounted below `scratch` (an
// existing directory) between two system calls.
Result<Fd> mount_overlay(const OverlayRoot& overlay, const std::string& scratch);
Result<Fd> mount_overlay_new(const OverlayRoot& overlay);
Result<Fd> mount_overlay_legacy(const OverlayRoot& overlay, const std::string& scratch);

enum class Recursion : std::uint8_t { none, all };
Result<Fd> clone_path(const std::string& path, Recursion recursion);

// mount(2) options of an overlay whose directories are named by descriptor: short enough for 128 layers.
struct OverlayDirectories {
  std::vector<Fd> fds;  // that the text refers to
  std::string options;
};
Result<OverlayDirectories> overlay_options(const OverlayRoot& overlay);

}  // namespace consort::runtime::internal
