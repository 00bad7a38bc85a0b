// alpha generate: a Compose file from containers.
#include "base/os/files/file.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/render/generated_file.hpp"
#include "cli/workspace.hpp"
#include "compose/plain_yaml.hpp"

namespace consort::cli {

Result<int> run_generate(Invocation& invocation) {
  const std::string format = invocation.flags.text("format", "yaml");
  if (format != "yaml" && format != "json") return fail(Code::invalid, "unsupported format \"" + format + "\"");
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  engine::Engine& engine = workspace->engine();
  GeneratedFile file{.name = invocation.flags.text("name"), .directory = {}, .networks = {}, .volumes = {}};
  if (invocation.flags.has("project-dir"))
    file.directory = join_path(TRY(current_directory()), invocation.flags.text("project-dir"));
  std::vector<engine::ContainerDetails> containers;
  for (const std::string& name : invocation.arguments) containers.push_back(TRY(engine.inspect(name)));
  for (engine::Network& network : TRY(engine.list_networks())) file.networks.emplace(network.spec.name, network);
  for (engine::Volume& volume : TRY(engine.list_volumes())) file.volumes.emplace(volume.spec.name, volume);
  const Json made = generate_file(containers, file);
  for (const std::string& note : file.notes) print_warning(invocation.terminal, note);
  print_out(format == "json" ? dump_json(made, 2) + "\n"
                             : compose::render_yaml(TRY(compose::parse_plain_yaml(dump_json(made), "the file"))));
  return 0;
}

}  // namespace consort::cli
