// What waits for what, as a picture: Docker Compose's `alpha viz`, and `config --graph`.
#pragma once

#include <string>

#include "base/error.hpp"
#include "compose/model.hpp"

namespace consort::cli {

struct VizOptions {
  bool networks = false, ports = false, image = false;
  std::string indent = "\t";
};
// Graphviz, in Docker Compose's words.
std::string viz_graph(const compose::Project& project, const VizOptions& options);

// text, mermaid or dot; Code::invalid for anything else.
Result<std::string> service_graph(const compose::Project& project, const std::string& format);

}  // namespace consort::cli
