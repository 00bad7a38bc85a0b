// What most commands open first: the project (from its file, or by name from labels), the engine, the progress
// renderer.
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
  file,    // up, run, build, config: a Compose file must be there
  name,    // ps, logs, down: with -p and without -f no file is read
  engine,  // ls: no project at all
};

class Workspace {
 public:
  // services: from the command line; their profiles become active. Warnings about the file are printed. With Need::name
  // the command's first argument may also name a container of another project, which is then what this is about.
  static Result<std::unique_ptr<Workspace>> open(const Invocation& invocation, Need need,
                                                 const std::vector<std::string>& services = {});

  project::Session& session() { return *session_; }
  engine::Engine& engine() { return *engine_; }
  project::Progress& progress() { return *progress_; }
  const std::string& project_name() const { return session_->project_name; }
  // The file's project, or null without a file.
  const compose::Project* project() const {
    const std::optional<compose::Project>& loaded = session_->project;
    return loaded ? &*loaded : nullptr;
  }

  // Of the project (which knows .env), else of this process.
  std::optional<std::string> variable(const std::string& name) const;

  // Held until the end of the command. Says whom it waits for.
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

// The COMPOSE_* settings of the project's .env become those of this process, where it has none of its own. Before
// threads.
void adopt_local_settings(const Invocation& invocation);
// The flags and environment of this invocation as the loader takes them.
Result<compose::LoadOptions> load_options(const Invocation& invocation, const std::vector<std::string>& services);
// Loads, prints warnings; errors are printed whole, and the returned Error is then empty of text (nothing left to say).
Result<compose::Project> load_project(const Invocation& invocation, const compose::LoadOptions& options);
Result<compose::Project> load_project(const Invocation& invocation, const compose::LoadOptions& options,
                                      Result<compose::ProjectSettings> settings);  // that were found already

std::map<std::string, std::string> process_environment();
bool environment_says(const char* variable);  // set to a true value

}  // namespace consort::cli
