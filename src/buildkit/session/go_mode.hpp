// Conversion of file modes to and from Go's fs.FileMode, which clients send.
#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace consort::buildkit {

namespace go_mode {
inline constexpr std::uint32_t directory = 1U << 31, link = 1U << 27, device = 1U << 26, pipe = 1U << 25,
                               socket = 1U << 24, setuid = 1U << 23, setgid = 1U << 22, character = 1U << 21,
                               sticky = 1U << 20, irregular = 1U << 19;
inline constexpr std::uint32_t type = directory | link | device | pipe | socket | character | irregular;
}  // namespace go_mode

constexpr mode_t permissions_of_go(std::uint32_t mode) {
  return static_cast<mode_t>((mode & 0777U) | ((mode & go_mode::setuid) != 0 ? 04000U : 0U) |
                             ((mode & go_mode::setgid) != 0 ? 02000U : 0U) |
                             ((mode & go_mode::sticky) != 0 ? 01000U : 0U));
}

constexpr std::uint32_t go_mode_of(mode_t mode) {
  std::uint32_t out = mode & 0777U;
  if ((mode & 04000U) != 0) out |= go_mode::setuid;
  if ((mode & 02000U) != 0) out |= go_mode::setgid;
  if ((mode & 01000U) != 0) out |= go_mode::sticky;
  if (S_ISDIR(mode)) out |= go_mode::directory;
  if (S_ISLNK(mode)) out |= go_mode::link;
  if (S_ISFIFO(mode)) out |= go_mode::pipe;
  if (S_ISSOCK(mode)) out |= go_mode::socket;
  if (S_ISBLK(mode)) out |= go_mode::device;
  if (S_ISCHR(mode)) out |= go_mode::device | go_mode::character;
  return out;
}

}  // namespace consort::buildkit
