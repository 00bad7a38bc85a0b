#include "image/tar/overlay_form.hpp"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <array>

namespace consort::image {

namespace {
constexpr std::array opaque_names{"trusted.overlay.opaque", "user.overlay.opaque"};
}

bool is_whiteout(const struct stat& st) {
  return S_ISCHR(st.st_mode) && st.st_rdev == ::makedev(0, 0);
}

Result<> make_whiteout(int directory, const char* name) {
  if (::mknodat(directory, name, S_IFCHR, ::makedev(0, 0)) != 0) return fail_errno("create whiteout of", name);
  return {};
}

Result<> set_opaque(int fd) {
  for (const char* name : opaque_names)
    if (::fsetxattr(fd, name, "y", 1, 0) == 0) return {};
  return fail_errno("mark directory as opaque");
}

bool is_opaque(int fd) {
  for (const char* name : opaque_names) {
    char value = 0;
    if (::fgetxattr(fd, name, &value, 1) == 1 && value == 'y') return true;
  }
  return false;
}

bool is_overlay_attribute(std::string_view name) {
  return name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.");
}

}  // namespace consort::image
