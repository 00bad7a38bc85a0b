#include "base/os/processes/user_namespace.hpp"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/narrow.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

std::vector<std::string> words_of(const std::string& path) {
  std::vector<std::string> words;
  const Result<std::string> text = read_file(path, 65536);
  for (const std::string& word : split(replace_all(text ? *text : std::string(), "\n", " "), ' '))
    if (!word.empty()) words.push_back(word);
  return words;
}

struct Facts {
  bool inside = false;
  bool one_user = false;
  bool groups = true;
  unsigned highest_group = 2147483647;  // the largest value of the sysctl
};

Facts look() {
  Facts facts;
  const std::vector<std::string> words = words_of("/proc/self/uid_map");
  if (words.empty()) return facts;
  facts.inside = words != std::vector<std::string>{"0", "0", "4294967295"};
  facts.one_user = words.size() == 3 && words[2] == "1";
  const Result<std::string> groups = read_file("/proc/self/setgroups", 64);
  facts.groups = !groups || trim(*groups) != "deny";
  if (!facts.inside) return facts;
  facts.highest_group = 0;
  const std::vector<std::string> map = words_of("/proc/self/gid_map");
  for (std::size_t i = 0; i + 2 < map.size(); i += 3) {
    const auto first = parse_unsigned(map[i]), count = parse_unsigned(map[i + 2]);
    if (first && count && *count > 0)
      facts.highest_group = std::max(facts.highest_group, saturated<unsigned>(*first + *count - 1));
  }
  return facts;
}

// First called after the command has entered its namespaces, which it never leaves.
const Facts& facts_of_this_process() {
  static const Facts facts = look();
  return facts;
}

}  // namespace

bool in_user_namespace() {
  return facts_of_this_process().inside;
}

bool has_one_user() {
  return facts_of_this_process().one_user;
}

bool owns_network() {
  const Result<Fd> network = open_file("/proc/thread-self/ns/net", O_RDONLY);
  const Result<struct stat> ours = stat_path("/proc/self/ns/user");
  if (!network || !ours) return false;
  const Fd owner(::ioctl(network->get(), NS_GET_USERNS));
  struct stat st {};
  return owner && ::fstat(owner.get(), &st) == 0 && st.st_ino == ours->st_ino && st.st_dev == ours->st_dev;
}

unsigned highest_group() {
  return facts_of_this_process().highest_group;
}

bool may_set_groups() {
  return facts_of_this_process().groups;
}

}  // namespace consort
