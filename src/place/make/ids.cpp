#include "place/make/ids.hpp"

#include <pwd.h>

#include <array>

#include "base/strings.hpp"

namespace consort::place {

std::vector<IdRange> parse_subordinate(std::string_view text, std::string_view name, uid_t uid) {
  constexpr std::uint64_t most = 0xffffffff;  // the last id means "none"
  std::vector<IdRange> ranges;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> parts = split(line, ':');
    if (parts.size() != 3 || (parts[0] != name && parts[0] != std::to_string(uid))) continue;
    const auto first = parse_unsigned(trim(parts[1])), count = parse_unsigned(trim(parts[2]));
    if (!first || !count || *count == 0 || *first >= most || *count > most - *first) continue;
    ranges.push_back({static_cast<std::uint32_t>(*first), static_cast<std::uint32_t>(*count)});
  }
  return ranges;
}

std::string user_name(uid_t uid) {
  std::array<char, 16384> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found) return entry.pw_name;
  return std::to_string(uid);
}

std::vector<std::string> map_arguments(std::uint32_t own, const std::vector<IdRange>& ranges) {
  std::vector<std::string> words{"0", std::to_string(own), "1"};
  std::uint64_t inside = 1;
  for (const IdRange& range : ranges) {
    if (inside + range.count > 0xffffffff) break;
    for (const std::uint64_t number : {inside, std::uint64_t{range.first}, std::uint64_t{range.count}})
      words.push_back(std::to_string(number));
    inside += range.count;
  }
  return words;
}

}  // namespace consort::place
