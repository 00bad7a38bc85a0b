#include "cli/docker_config.hpp"

#include <cstdlib>

#include "base/json.hpp"
#include "base/os/files/file.hpp"

namespace consort::cli {

std::string docker_setting(const char* name) {
  const char* directory = std::getenv("DOCKER_CONFIG");
  const char* home = std::getenv("HOME");
  std::string path = directory ? directory : "";
  if (path.empty() && home) path = std::string(home) + "/.docker";
  if (path.empty()) return {};
  constexpr std::size_t most_bytes = 1 << 20;
  const auto text = read_file(path + "/config.json", most_bytes);
  if (!text) return {};
  const auto settings = parse_json(*text, path);
  return settings ? get_string(*settings, name) : std::string();
}

}  // namespace consort::cli
