// Mounts that hang nowhere: made by the parent, moved into place by the child, so that nothing shows in the host's
// table.
#pragma once

#include <string>

#include "base/os/fd.hpp"
#include "runtime/launch.hpp"

namespace consort::runtime::internal {

// The hint where a mount fails with ENOSPC.
inline constexpr const char* limit_of_mounts = "this is the limit of mounts (fs.mount-max), not disk space";

// A detached overlay. On kernels whose overlayfs does not know the new mount API it is mounted below `scratch` (an
// existing directory) for the moment between two system calls.
Result<Fd> mount_overlay(const OverlayRoot& overlay, const std::string& scratch);
Result<Fd> mount_overlay_new(const OverlayRoot& overlay);
Result<Fd> mount_overlay_legacy(const OverlayRoot& overlay, const std::string& scratch);

enum class Recursion : std::uint8_t { none, all };
Result<Fd> clone_path(const std::string& path, Recursion recursion);

// Options of mount(2) for an overlay whose directories are named through descriptors: short enough for 128 layers.
struct OverlayFolders {
  std::vector<Fd> fds;  // what the text refers to
  std::string options;
};
Result<OverlayFolders> overlay_options(const OverlayRoot& overlay);

}  // namespace consort::runtime::internal
