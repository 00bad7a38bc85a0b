// Converts the option words of a mount (those of mount(8), and OCI's recursive and propagation words) to flags.
#pragma once

#include <sys/mount.h>

#include <string>
#include <string_view>
#include <vector>

namespace consort::runtime::internal {

struct MountOptions {
  unsigned long set = 0;          // MS_RDONLY, MS_NOSUID, ...
  unsigned long clear = 0;        // the same bits, from "rw", "suid", ...
  unsigned long propagation = 0;  // MS_PRIVATE, ..., possibly with MS_REC; 0: not given
  bool bind = false;
  bool recursive = false;                    // rbind
  unsigned long all_set = 0, all_clear = 0;  // from "rro" and the like: also for mounts below
  bool idmap = false, idmap_all = false;     // "idmap", "ridmap": with the mount's or the container's ID maps
  bool copy_up = false;                      // "tmpcopyup": starts with the root's existing files
  std::string data;                          // everything else, comma-separated, for the file system
};

MountOptions parse_mount_options(const std::vector<std::string>& words);
// "private", "rslave", ...: 0 for anything else.
unsigned long propagation_flag(std::string_view word);
// Converts MS_ flags to MOUNT_ATTR_ bits for mount_setattr.
unsigned long long mount_attributes(unsigned long flags);
std::vector<std::string> mount_option_words();  // all known words
std::string flags_text(unsigned long flags);    // "ro,nosuid", unknown bits in hex

}  // namespace consort::runtime::internal
