// Runs programs that are not part of Consort but belong to the project: providers of services, the model runner. They
// run as the calling user, with the project's environment, empty input and no inherited descriptors.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/os/processes/process.hpp"
#include "compose/model.hpp"
#include "project/exec/cancellation.hpp"

namespace consort::project {

struct ForeignProgram {
  std::string path;
  std::vector<std::string> arguments;
  const compose::StringMap& environment;  // borrowed
  const std::string& directory;           // borrowed
};

// The plugin `docker-NAME` of the docker command: in cliPluginsExtraDirs of ~/.docker/config.json (DOCKER_CONFIG), in
// cli-plugins next to it, or in the system's directories.
std::optional<std::string> find_docker_plugin(const std::string& name, const compose::StringMap& environment);
// Searches PATH; a name with a slash is a path relative to `directory`.
std::optional<std::string> find_in_path(const std::string& name, const compose::StringMap& environment,
                                        const std::string& directory);

struct ProgramEnd {
  ExitStatus status;
  std::string last_errors;  // the last of its standard error: up to ten lines and 2 KiB, printable
};
// Passes its output to `take` piece by piece; an error from `take` ends the program. When the user cancels, it gets
// SIGTERM and a few seconds, then the result is Code::interrupted.
Result<ProgramEnd> listen_to(const ForeignProgram& program, const std::function<Result<>(std::string_view)>& take,
                             const Cancellation& cancel);
// A program's complete output.
struct ProgramOutput {
  ProgramEnd end;
  std::string text;
};
Result<ProgramOutput> output_of(const ForeignProgram& program, const Cancellation& cancel);

// "exit status 3", "signal 9 (killed)".
std::string end_in_words(const ExitStatus& status);
// Foreign text made printable: without control characters, but with its lines.
std::string legible(std::string_view text);

}  // namespace consort::project
