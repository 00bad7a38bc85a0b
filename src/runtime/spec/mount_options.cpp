#include "runtime/spec/mount_options.hpp"

#include <linux/mount.h>

#include <array>
#include <cstdio>

namespace consort::runtime::internal {

namespace {

constexpr unsigned long nosymfollow = 256;  // MS_NOSYMFOLLOW, since Linux 5.10

struct Word {
  std::string_view name;
  unsigned long flag;
  bool sets;
};

constexpr std::array<Word, 30> words = {{{"ro", MS_RDONLY, true},
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
                                         {"iversion", MS_I_VERSION, true},
                                         {"noiversion", MS_I_VERSION, false},
                                         {"nosymfollow", nosymfollow, true},
                                         {"symfollow", nosymfollow, false},
                                         {"defaults", 0, true}}};

constexpr std::array<Word, 8> propagation_words = {{{"private", MS_PRIVATE, true},
                                                    {"rprivate", MS_PRIVATE | MS_REC, true},
                                                    {"slave", MS_SLAVE, true},
                                                    {"rslave", MS_SLAVE | MS_REC, true},
                                                    {"shared", MS_SHARED, true},
                                                    {"rshared", MS_SHARED | MS_REC, true},
                                                    {"unbindable", MS_UNBINDABLE, true},
                                                    {"runbindable", MS_UNBINDABLE | MS_REC, true}}};

const Word* find_word(std::string_view name) {
  for (const Word& word : words)
    if (word.name == name) return &word;
  return nullptr;
}

bool apply_option(const Word* word, unsigned long& set, unsigned long& clear) {
  if (!word) return false;
  (word->sets ? set : clear) |= word->flag;
  (word->sets ? clear : set) &= ~word->flag;
  return true;
}

// Options that can be set on existing mounts.
constexpr unsigned long recursive_flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME |
                                          MS_RELATIME | MS_STRICTATIME | nosymfollow;

const Word* find_recursive_word(std::string_view name) {
  if (name.size() < 3 || name[0] != 'r') return nullptr;
  const Word* word = find_word(name.substr(1));
  return word && (word->flag & recursive_flags) ? word : nullptr;
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
    if (name.empty() || apply_option(find_word(name), options.set, options.clear)) continue;
    if (const unsigned long flag = propagation_flag(name)) {
      options.propagation = flag;
    } else if (name == "bind" || name == "rbind") {
      options.bind = true;
      options.recursive = name == "rbind";
    } else if (apply_option(find_recursive_word(name), options.all_set, options.all_clear)) {
      continue;  // rro, rnosuid, ...
    } else if (name == "idmap" || name == "ridmap") {
      options.idmap = true;
      options.idmap_all = name == "ridmap";
    } else if (name == "tmpcopyup") {
      options.copy_up = true;
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
  if (flags & nosymfollow) attributes |= MOUNT_ATTR_NOSYMFOLLOW;
  if (flags & MS_NODIRATIME) attributes |= MOUNT_ATTR_NODIRATIME;
  return attributes;
}

std::vector<std::string> mount_option_words() {
  std::vector<std::string> all = {"bind", "rbind", "idmap", "ridmap", "tmpcopyup"};
  for (const Word& word : words) {
    all.emplace_back(word.name);
    if (word.flag & recursive_flags) all.push_back("r" + std::string(word.name));
  }
  for (const Word& word : propagation_words) all.emplace_back(word.name);
  return all;
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
