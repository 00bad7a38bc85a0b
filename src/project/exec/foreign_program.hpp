// Programs that are not ours and belong to the project: providers of services, the model runner. They run as the user
// who called us, with the project's environment, nothing as input and no descriptor of ours.
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

// The plugin `docker-NAME` of Docker's command: in cliPluginsExtraDirs of ~/.docker/config.json (DOCKER_CONFIG), in
// cli-plugins next to it, in the system's directories.
std::optional<std::string> find_docker_plugin(const std::string& name, const compose::StringMap& environment);
// In PATH; a name with a slash is a path that counts from `directory`.
std::optional<std::string> find_in_path(const std::string& name, const compose::StringMap& environment,
                                        const std::string& directory);

struct ProgramEnd {
  ExitStatus status;
  std::string last_errors;  // of what it wrote to standard error: up to ten lines and 2 KiB, fit to be shown
};
// Its output goes to `take` piece by piece; an error from there ends the program. The user wants to stop: it gets
// SIGTERM and some seconds, then Code::interrupted.
Result<ProgramEnd> listen_to(const ForeignProgram& program, const std::function<Result<>(std::string_view)>& take,
                             const Cancellation& cancel);
// Its whole output.
struct ProgramOutput {
  ProgramEnd end;
  std::string text;
};
Result<ProgramOutput> output_of(const ForeignProgram& program, const Cancellation& cancel);

// "exit status 3", "signal 9 (killed)".
std::string end_in_words(const ExitStatus& status);
// Foreign text as it may be shown: without control characters; lines stay.
std::string legible(std::string_view text);

}  // namespace consort::project
