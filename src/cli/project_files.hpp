// How a command reads the files of its project. It does so several times (for settings, for the target, for the project
// itself), so content from pipes and remote sources is fetched only once, and long files are parsed only once.
#pragma once

#include <memory>

#include "cli/invocation.hpp"
#include "compose/parsed_files.hpp"
#include "project/remote/remote_files.hpp"

namespace consort::cli {

struct ProjectFiles {
  std::shared_ptr<project::RemoteFiles> remote;  // remote files this command may fetch; null if they cannot be stored
  compose::FileAccess access;                    // includes remote files; failures are reported as warnings
  std::shared_ptr<compose::ParsedFiles> parsed;  // files parsed before loading; otherwise null

  // Reads nothing yet. Borrows the invocation's terminal because it is not yet known whether colour may be used.
  static std::shared_ptr<ProjectFiles> of(const Invocation& invocation);
};

}  // namespace consort::cli
