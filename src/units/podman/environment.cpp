// A container's variables: in a file next to the units, because unit files and the process list are readable by every
// local user.
#include <algorithm>

#include "units/podman/parts.hpp"

namespace consort::units {

namespace {

// Podman reads NAME=VALUE line by line, literally, and fails on lines of 64 KiB.
constexpr std::size_t longest_line = 60 * 1024;

bool fits_in_line(const std::string& name, const std::string& value) {
  const bool plain_name = !name.empty() && !name.starts_with('#') && name.find_first_of(" \t\r\n") == std::string::npos;
  return plain_name && value.find('\n') == std::string::npos && !value.ends_with('\r') &&
         name.size() + value.size() < longest_line;
}

}  // namespace

void add_environment(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit) {
  std::string lines;
  for (const auto& [name, value] : service.container.environment) {
    if (!value) continue;
    if (fits_in_line(name, *value)) {
      lines += name + "=" + *value + "\n";
      continue;
    }
    unit.word("Environment", "--env", name + "=" + *value);
    scope.note(service, {"environment", name},
               "the value of \"" + name + "\" is in the unit, where every local user can read it with `systemctl show`",
               "if it is a secret, put it under `secrets`: files for Podman have one line per variable");
  }
  if (lines.empty()) return;
  const Beside beside = scope.add_beside(service.name + ".env", lines, 0600);
  unit.options.push_back({"EnvironmentFile", "--env-file", beside.path, Option::Form::text, beside.directory});
}

}  // namespace consort::units
