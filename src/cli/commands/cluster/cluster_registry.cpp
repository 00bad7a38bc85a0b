#include "cli/commands/cluster/cluster_registry.hpp"

#include <cstdlib>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "cli/workspace.hpp"
#include "kube/kubeconfig.hpp"

namespace consort::cli {

namespace {

// Returns "" if the user has no home directory.
std::string memory_path() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config && *config)
    return join_path(config, "consort/registries.json");
  const char* home = std::getenv("HOME");
  return home && *home ? join_path(home, ".config/consort/registries.json") : "";
}

std::string without_slashes(std::string registry) {
  while (registry.ends_with('/')) registry.pop_back();
  return registry;
}

// The remembered values by context. A file that cannot be parsed counts as missing.
Json memory() {
  const std::string path = memory_path();
  const auto text = path.empty() ? Result<std::string>(std::string()) : read_file(path);
  const auto value = text && !text->empty() ? parse_json(*text, path) : Result<Json>(Json::object());
  return value && value->is_object() ? *value : Json::object();
}

Result<std::string> context_of(const ClusterTarget& target) {
  return TRY(kube::find_cluster(target.context, process_environment())).context;
}

}  // namespace

Result<std::string> registry_of(const Invocation& invocation, const ClusterTarget& target) {
  const char* variable = std::getenv("CONSORT_REGISTRY");
  if (invocation.globals.has("registry")) return without_slashes(invocation.globals.text("registry"));
  if (variable && *variable) return without_slashes(variable);
  return get_string(memory(), TRY(context_of(target)));
}

void remember_registry(const Invocation& invocation, const ClusterTarget& target) {
  const std::string path = memory_path();
  const auto context = context_of(target);
  if (!invocation.globals.has("registry") || invocation.dry_run || path.empty() || !context) return;
  Json all = memory();
  const std::string registry = without_slashes(invocation.globals.text("registry"));
  if (get_string(all, *context) == registry) return;
  all[*context] = registry;
  auto written = make_directories(dir_name(path), 0700);
  if (written) written = write_file_atomic(path, dump_json(all, 2) + "\n", 0600);
  if (!written)
    print_warning(invocation.terminal, "the registry could not be saved for next time: " + written.error().message());
}

}  // namespace consort::cli
