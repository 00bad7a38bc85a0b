// alpha viz: prints the services as a graph for Graphviz.
#include "base/narrow.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/render/service_graph.hpp"
#include "cli/workspace.hpp"

namespace consort::cli {

Result<int> run_viz(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const auto size = flags.integer("indentation-size");
  if (size && (*size < 0 || *size > 64)) return fail(Code::invalid, "--indentation-size must be from 0 to 64");
  const compose::Project project = TRY(load_project(invocation, TRY(load_options(invocation, {}))));
  VizOptions options{.networks = flags.on("networks"), .ports = flags.on("ports"), .image = flags.on("image")};
  options.indent = std::string(saturated<std::size_t>(size.value_or(1)), flags.on("spaces") ? ' ' : '\t');
  print_out(viz_graph(project, options));
  return 0;
}

}  // namespace consort::cli
