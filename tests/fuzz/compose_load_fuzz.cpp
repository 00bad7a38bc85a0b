// A Compose file of random bytes: it is loaded or refused, printed, repaired and loaded again, and never crashes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "compose/compose.hpp"

using namespace consort;
using namespace consort::compose;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  LoadOptions options;
  options.working_directory = "/project";
  options.files = {"compose.yaml"};
  options.environment = {{"A", "1"}, {"HOME", "/root"}};
  options.access.read = [&text](const std::string& path) -> Result<std::string> {
    if (path == "/project/compose.yaml") return text;
    if (path.ends_with(".env")) return std::string("A=1\nB=${A}\n");
    return fail(Code::not_found, "open " + path);
  };
  options.access.is_file = [](const std::string& path) {
    return path.ends_with("compose.yaml") || path.ends_with(".env");
  };
  options.access.exists = options.access.is_file;
  options.access.resolve_links = [](const std::string& path) { return path; };
  options.trace = Switch::on;
  const LoadOutcome outcome = load(options);
  render_diagnostics(outcome.diagnostics, Colour::always);
  diagnostics_json(outcome.diagnostics);
  if (outcome.project) {
    const std::string yaml = render_yaml(*outcome.project);
    render_json(*outcome.project);
    for (const auto& [name, service] : outcome.project->services) service_hash_json(service);
    dependency_order(*outcome.project);
  }
  text = apply_fixes(text, "/project/compose.yaml", outcome.diagnostics);
  options.interpolate = Switch::off;
  const LoadOutcome again = load(options);
  if (again.raw_tree) render_yaml(*again.raw_tree);
  return 0;
}
