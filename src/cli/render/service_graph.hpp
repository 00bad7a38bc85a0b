// The dependency graph of services: Docker Compose's `alpha viz`, and `config --graph`.
#pragma once

#include <string>

#include "base/error.hpp"
#include "compose/model.hpp"

namespace consort::cli {

struct VizOptions {
  bool networks = false, ports = false, image = false;
  std::string indent = "\t";
};
// Graphviz, with Docker Compose's wording.
std::string viz_graph(const compose::Project& project, const VizOptions& options);

// text, mermaid or dot; Code::invalid for anything else.
Result<std::string> service_graph(const compose::Project& project, const std::string& format);

}  // namespace consort::cli
