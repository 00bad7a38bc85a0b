// alpha generate: creates a Compose file from existing containers that would create them again. Contains only what was
// requested for them, not what comes from their images.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "engine/types.hpp"

namespace consort::cli {

struct GeneratedFile {
  std::string name;                                 // of the project; "": omit it
  std::string directory;                            // bind sources below it are written as relative paths; "": none
  std::map<std::string, engine::Network> networks;  // of the containers, by name
  std::map<std::string, engine::Volume> volumes;
  std::vector<std::string> notes{};  // settings that cannot be expressed
};

// The mapping for a Compose file. Containers of one service become a single service with `scale`.
Json generate_file(const std::vector<engine::ContainerDetails>& containers, GeneratedFile& file);

}  // namespace consort::cli
