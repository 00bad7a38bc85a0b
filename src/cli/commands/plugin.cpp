// Answers the request that the `docker` command sends to its plug-ins: https://github.com/docker/cli,
// cli-plugins/metadata.
#include "base/json.hpp"
#include "base/version.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/render/terminal.hpp"

namespace consort::cli {

Result<int> run_plugin_metadata(Invocation&) {
  const Json metadata{{"SchemaVersion", "0.1.0"},
                      {"Vendor", "The Consort authors"},
                      {"Version", std::string("v") + compose_version},
                      {"ShortDescription", "Docker Compose"}};
  print_out(dump_json(metadata, 4) + "\n");
  return 0;
}

}  // namespace consort::cli
