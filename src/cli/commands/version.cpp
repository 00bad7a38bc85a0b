#include "base/version.hpp"

#include "base/json.hpp"
#include "cli/commands/handlers.hpp"
#include "engine/renewal.hpp"

namespace consort::cli {

namespace {

std::vector<std::string> outdated_projects() {
  const auto roots = Roots::from_environment();
  return roots ? engine::outdated_projects(*roots) : std::vector<std::string>();
}

void print_json(const std::string& number, const std::vector<std::string>& outdated) {
  Json told{{"version", number}};
  if (!outdated.empty()) told["outdated"] = outdated;
  print_out(told.dump() + "\n");
}

}  // namespace

// Under Docker Compose's name, the number is that of the release it behaves like: scripts compare it.
Result<int> run_version(Invocation& invocation) {
  const bool compose = invocation.persona == Persona::docker_compose;
  const std::string number = compose ? compose_version : version;
  const bool json = invocation.flags.text("format") == "json";
  if (invocation.flags.on("short") || (compose && !json)) {
    print_out(invocation.flags.on("short") ? number + "\n" : "Docker Compose version " + number + "\n");
    return 0;
  }
  const std::vector<std::string> outdated = compose ? std::vector<std::string>() : outdated_projects();
  if (json) {
    print_json(number, outdated);
    return 0;
  }
  print_out("Consort version " + number + " (as Docker Compose " + compose_version + ")\n");
  for (const std::string& project : outdated)
    print_out("project " + project +
              " is supervised by an earlier build; its next command that changes something replaces it\n");
  return 0;
}

}  // namespace consort::cli
