// alpha generate: containers that run as a Compose file that would make them again. Only what they were asked to be,
// not what their images say.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "engine/types.hpp"

namespace consort::cli {

struct GeneratedFile {
  std::string name;                                 // of the project; "": none is written
  std::string directory;                            // sources of binds below it are written relative to it; "": none
  std::map<std::string, engine::Network> networks;  // of the containers, by name
  std::map<std::string, engine::Volume> volumes;
  std::vector<std::string> notes{};  // what cannot be written
};

// A mapping as it stands in a Compose file. Containers of one service become one, with `scale`.
Json generate_file(const std::vector<engine::ContainerDetails>& containers, GeneratedFile& file);

}  // namespace consort::cli
