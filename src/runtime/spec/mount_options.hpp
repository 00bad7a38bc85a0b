// The option words of a mount (mount(8), and OCI's recursive and propagation words) as flags.
#pragma once

#include <sys/mount.h>

#include <string>
#include <string_view>
#include <vector>

namespace consort::runtime::internal {

struct MountOptions {
  unsigned long set = 0;          // MS_RDONLY, MS_NOSUID, ...
  unsigned long clear = 0;        // the same bits, from "rw", "suid", ...
  unsigned long propagation = 0;  // MS_PRIVATE, ..., perhaps with MS_REC; 0: not given
  bool bind = false;
  bool recursive = false;                    // rbind
  unsigned long all_set = 0, all_clear = 0;  // of "rro" and the like: for what is mounted below, too
  bool idmap = false, idmap_all = false;     // "idmap", "ridmap": by the maps of the mount or the container
  bool copy_up = false;                      // "tmpcopyup": starts with what is there in the root
  std::string data;                          // everything else, joined with commas, for the file system
};

MountOptions parse_mount_options(const std::vector<std::string>& words);
// "private", "rslave", ...: 0 for anything else.
unsigned long propagation_flag(std::string_view word);
// MS_ flags as MOUNT_ATTR_ bits, for mount_setattr.
unsigned long long mount_attributes(unsigned long flags);
std::vector<std::string> mount_option_words();  // all that are known
std::string flags_text(unsigned long flags);    // "ro,nosuid", unknown bits in hex

}  // namespace consort::runtime::internal
