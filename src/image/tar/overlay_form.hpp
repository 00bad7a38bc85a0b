// The markers by which overlayfs recognises deletions in a layer, and OCI's names for them.
#pragma once

#include <sys/stat.h>

#include <string_view>

#include "base/error.hpp"

namespace consort::image {

inline constexpr std::string_view whiteout_prefix = ".wh.";
inline constexpr std::string_view opaque_marker = ".wh..wh..opq";
inline constexpr std::string_view whiteout_meta_prefix = ".wh..wh.";  // other aufs metadata: ignored

bool is_whiteout(const struct stat& st);  // a character device 0:0
Result<> make_whiteout(int directory, const char* name);
// fd: an open directory, not O_PATH. Tries trusted.overlay.opaque, then the user. form (inside a user namespace).
Result<> set_opaque(int fd);
bool is_opaque(int fd);
// Attributes that overlayfs interprets; they must never be read from or written to an archive.
bool is_overlay_attribute(std::string_view name);

}  // namespace consort::image
