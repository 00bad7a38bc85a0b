#include "runtime/spec/mount_options.hpp"

#include <linux/mount.h>

#include <array>
#include <cstdio>

namespace consort::runtime::internal {

namespace {

struct Word {
  std::string_view name;
  unsigned long flag;
  bool sets;
};

constexpr std::array<Word, 26> words = {{{"ro", MS_RDONLY, true},
                                         {"rw", MS_RDONLY, false},
                                         {"nosuid", MS_NOSUID, true},
                                         {"suid", MS_NOSUID, false},
                                         {"nodev", MS_NODEV, true},
                                         {"dev", MS_NODEV, false},
                                         {"noexec", MS_NOEXEC, true},
                                         {"exec", MS_NOEXEC, false},
                                         {"sync", MS_SYNCHRONOUS, true},
                                         {"async", MS_SYNCHRONOUS, false},
                                         {"dirsync", MS_DIRSYNC, true},
                                         {"mand", MS_MANDLOCK, true},
                                         {"nomand", MS_MANDLOCK, false},
                                         {"noatime", MS_NOATIME, true},
                                         {"atime", MS_NOATIME, false},
                                         {"nodiratime", MS_NODIRATIME, true},
                                         {"diratime", MS_NODIRATIME, false},
                                         {"relatime", MS_RELATIME, true},
                                         {"norelatime", MS_RELATIME, false},
                                         {"strictatime", MS_STRICTATIME, true},
                                         {"nostrictatime", MS_STRICTATIME, false},
                                         {"lazytime", MS_LAZYTIME, true},
                                         {"nolazytime", MS_LAZYTIME, false},
                                         {"silent", MS_SILENT, true},
                                         {"loud", MS_SILENT, false},
                                         {"defaults", 0, true}}};

constexpr std::array<Word, 8> propagation_words = {{{"private", MS_PRIVATE, true},
                                                    {"rprivate", MS_PRIVATE | MS_REC, true},
                                                    {"slave", MS_SLAVE, true},
                                                    {"rslave", MS_SLAVE | MS_REC, true},
                                                    {"shared", MS_SHARED, true},
                                                    {"rshared", MS_SHARED | MS_REC, true},
                                                    {"unbindable", MS_UNBINDABLE, true},
                                                    {"runbindable", MS_UNBINDABLE | MS_REC, true}}};

bool apply(std::string_view name, MountOptions& options) {
  for (const Word& word : words) {
    if (word.name != name) continue;
    (word.sets ? options.set : options.clear) |= word.flag;
    (word.sets ? options.clear : options.set) &= ~word.flag;
    return true;
  }
  return false;
}

}  // namespace

unsigned long propagation_flag(std::string_view name) {
  for (const Word& word : propagation_words)
    if (word.name == name) return word.flag;
  return 0;
}

MountOptions parse_mount_options(const std::vector<std::string>& given) {
  MountOptions options;
  for (const std::string& name : given) {
    if (name.empty() || apply(name, options)) continue;
    if (const unsigned long flag = propagation_flag(name)) {
      options.propagation = flag;
    } else if (name == "bind" || name == "rbind") {
      options.bind = true;
      options.recursive = name == "rbind";
    } else if (name.size() > 2 && name[0] == 'r' && apply(name.substr(1), options)) {
      options.recursive_attributes = true;  // rro, rnosuid, ...
    } else {
      if (!options.data.empty()) options.data += ',';
      options.data += name;
    }
  }
  return options;
}

unsigned long long mount_attributes(unsigned long flags) {
  unsigned long long attributes = 0;
  if (flags & MS_RDONLY) attributes |= MOUNT_ATTR_RDONLY;
  if (flags & MS_NOSUID) attributes |= MOUNT_ATTR_NOSUID;
  if (flags & MS_NODEV) attributes |= MOUNT_ATTR_NODEV;
  if (flags & MS_NOEXEC) attributes |= MOUNT_ATTR_NOEXEC;
  if (flags & MS_NOATIME) attributes |= MOUNT_ATTR_NOATIME;
  if (flags & MS_STRICTATIME) attributes |= MOUNT_ATTR_STRICTATIME;
  if (flags & MS_NODIRATIME) attributes |= MOUNT_ATTR_NODIRATIME;
  return attributes;
}

std::string flags_text(unsigned long flags) {
  std::string text;
  const auto add = [&text](std::string_view part) {
    if (!text.empty()) text += ',';
    text += part;
  };
  for (const Word& word : words) {
    if (!word.sets || !word.flag || !(flags & word.flag)) continue;
    add(word.name);
    flags &= ~word.flag;
  }
  if (flags) {
    char buffer[24];
    std::snprintf(buffer, sizeof buffer, "0x%lx", flags);
    add(buffer);
  }
  return text;
}

}  // namespace consort::runtime::internal
