#include "supervisor/container/foreign_port.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "base/roots.hpp"
#include "base/strings.hpp"
#include "supervisor/state.hpp"

namespace consort::supervisor {

namespace {

constexpr std::size_t most_of_a_record = std::size_t{32} << 20;

// The command line of our programs: PROGRAM PROJECT DATA_ROOT RUN_ROOT [...], for both.
std::vector<std::string> arguments_of_ours(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  const auto comm = read_file(process + "/comm");
  const auto words = read_file(process + "/cmdline");
  if (!comm || !words) return {};
  const std::string_view name = trim(*comm);
  if (name != "consort-supervi" && name != "consort-keeper") return {};
  std::vector<std::string> arguments = split(*words, '\0');
  return arguments.size() >= 4 ? arguments : std::vector<std::string>();
}

}  // namespace

std::optional<std::string> foreign_port_owner(pid_t holder, const std::string& protocol, std::uint16_t port) {
  const std::vector<std::string> arguments = arguments_of_ours(holder);
  if (arguments.empty()) return std::nullopt;
  std::string owner = "project " + arguments[1];
  const std::string directory = Roots{arguments[2], arguments[3]}.project_run(arguments[1]) + "/containers";
  for (const std::string& file : list_directory(directory).value_or(std::vector<std::string>())) {
    const auto text = read_file(join_path(directory, file), most_of_a_record);
    if (!text || !file.ends_with(".json")) continue;
    const auto state = state_from_json(*text, file);
    const auto is_it = [&](const BoundPort& bound) { return bound.host_port == port && bound.protocol == protocol; };
    if (state && std::ranges::any_of(state->ports, is_it)) return owner + ", container " + state->name;
  }
  return owner;
}

}  // namespace consort::supervisor
