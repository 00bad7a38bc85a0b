#include "cli/args/aliases.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/strings.hpp"
#include "cli/args/command.hpp"

namespace consort::cli {

namespace {

struct Alias {
  std::string_view docker;
  std::string_view here;
};
// If one alias is the beginning of another, the longer one comes first.
constexpr Alias aliases[] = {
    {"alpha publish", "publish"},
    {"bridge transformations ls", "bridge transformations list"},
    {"builder du", "system df"},
    {"buildx prune", "builder prune"},
    {"container list", "ps --all-projects"},
    {"container ls", "ps --all-projects"},
    {"container ps", "ps --all-projects"},
    {"container remove", "rm"},
    {"convert", "config"},
    {"diff", "container diff"},
    {"history", "image history"},
    {"image list", "image ls"},
    {"image remove", "image rm"},
    {"import", "image import"},
    {"info", "system info"},
    {"load", "image load"},
    {"network list", "network ls"},
    {"network remove", "network rm"},
    {"rename", "container rename"},
    {"rmi", "image rm"},
    {"save", "image save"},
    {"tag", "image tag"},
    {"update", "container update"},
    {"viz", "alpha viz"},
    {"volume list", "volume ls"},
    {"volume remove", "volume rm"},
};

}  // namespace

void resolve_aliases(std::vector<std::string>& words) {
  const auto begins = [&](const Alias& alias) {
    const std::vector<std::string> wanted = split(alias.docker, ' ');
    return words.size() >= wanted.size() && std::equal(wanted.begin(), wanted.end(), words.begin());
  };
  const auto found = std::ranges::find_if(aliases, begins);
  if (found != std::end(aliases)) {
    const auto length = static_cast<std::ptrdiff_t>(split(found->docker, ' ').size());
    words.erase(words.begin(), words.begin() + length);
    const std::vector<std::string> here = split(found->here, ' ');
    words.insert(words.begin(), here.begin(), here.end());
  } else if (words.size() > 1 && words[0] == "container" && !find_command("container " + words[1]) &&
             find_command(words[1])) {
    words.erase(words.begin());
  }
}

std::vector<std::string_view> alias_targets() {
  std::vector<std::string_view> targets;
  for (const Alias& alias : aliases) targets.push_back(alias.here);
  return targets;
}

std::string take_docker_flags(std::vector<std::string>& words) {
  constexpr std::string_view with_value[] = {"--config",    "--context", "-c",          "--host",    "-H",
                                             "--log-level", "-l",        "--tlscacert", "--tlscert", "--tlskey"};
  constexpr std::string_view alone[] = {"--debug", "-D", "--tls", "--tlsverify"};
  std::string config;
  std::size_t i = 0;
  while (i < words.size() && words[i] != "compose") {
    const std::string name = words[i].substr(0, words[i].find('='));
    const bool takes = std::ranges::find(with_value, name) != std::end(with_value);
    if (!takes && std::ranges::find(alone, name) == std::end(alone)) return {};  // the command line is Compose's own
    const bool apart = takes && name == words[i];
    if (name == "--config")
      config = apart ? (i + 1 < words.size() ? words[i + 1] : "") : words[i].substr(name.size() + 1);
    i += apart ? 2 : 1;
  }
  if (i >= words.size()) return {};
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  return config;
}

}  // namespace consort::cli
