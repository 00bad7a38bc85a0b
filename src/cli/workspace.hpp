// The objects that most commands open first: the project (from its file, or by name from labels), the engine, and the
// progress renderer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/invocation.hpp"
#include "cli/render/progress.hpp"
#include "compose/compose.hpp"
#include "project/exec/session.hpp"

namespace consort::cli {

enum class Need : std::uint8_t {
  file,    // up, run, build, config: a Compose file is required
  name,    // ps, logs, down: with -p and without -f, no file is read
  engine,  // ls: no project at all
};

class Workspace {
 public:
  // services: from the command line; their profiles become active. Prints warnings about the file. With Need::name, the
  // command's first argument may also be a container of another project, which is then used.
  static Result<std::unique_ptr<Workspace>> open(const Invocation& invocation, Need need,
                                                 const std::vector<std::string>& services = {});

  project::Session& session() { return *session_; }
  engine::Engine& engine() { return *engine_; }
  project::Progress& progress() { return *progress_; }
  const std::string& project_name() const { return session_->project_name; }
  // The project from the file, or null without a file.
  const compose::Project* project() const {
    const std::optional<compose::Project>& loaded = session_->project;
    return loaded ? &*loaded : nullptr;
  }

  // From the project's environment (which includes .env), or else from this process.
  std::optional<std::string> variable(const std::string& name) const;

  // Held until the command ends. Reports whom it waits for.
  Result<> lock();
  void unlock() { lock_.reset(); }

 private:
  Workspace() = default;
  Result<> find_project_here(const Invocation& invocation, compose::LoadOptions options);
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<project::Progress> progress_;
  std::unique_ptr<project::Session> session_;
  std::optional<engine::ProjectLock> lock_;
};

// Sets the COMPOSE_* variables from the project's .env in this process, unless they are already set. Must be called
// before threads are started.
void adopt_local_settings(const Invocation& invocation);
// The loader's options from the flags and environment of this invocation.
Result<compose::LoadOptions> load_options(const Invocation& invocation, const std::vector<std::string>& services);
// Loads the project and prints warnings. Errors are printed completely; the returned Error then has no text left to
// print.
Result<compose::Project> load_project(const Invocation& invocation, const compose::LoadOptions& options);
Result<compose::Project> load_project(const Invocation& invocation, const compose::LoadOptions& options,
                                      Result<compose::ProjectSettings> settings);  // already determined

std::map<std::string, std::string> process_environment();
bool environment_says(const char* variable);  // set to a true value

}  // namespace consort::cli
