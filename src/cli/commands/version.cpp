#include "base/version.hpp"

#include "cli/commands/handlers.hpp"

namespace consort::cli {

// Under Docker Compose's name, the number is that of the release it behaves like: scripts compare it.
Result<int> run_version(Invocation& invocation) {
  const bool compose = invocation.persona == Persona::docker_compose;
  const std::string number = compose ? compose_version : version;
  if (invocation.flags.on("short")) {
    print_out(number + "\n");
  } else if (invocation.flags.text("format") == "json") {
    print_out("{\"version\":\"" + number + "\"}\n");
  } else {
    print_out(compose ? "Docker Compose version " + number + "\n"
                      : "Consort version " + number + " (as Docker Compose " + compose_version + ")\n");
  }
  return 0;
}

}  // namespace consort::cli
