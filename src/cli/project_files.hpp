// How one command reads the files of its project. It looks at them several times (for settings, for where it is to act,
// for the project itself): what comes from a pipe or from elsewhere is fetched, and what is long is parsed, once.
#pragma once

#include <memory>

#include "cli/invocation.hpp"
#include "compose/parsed_files.hpp"
#include "project/remote/remote_files.hpp"

namespace consort::cli {

struct ProjectFiles {
  std::shared_ptr<project::RemoteFiles> remote;  // as this command may reach them; null where they cannot be kept
  compose::FileAccess access;                    // finds them, too. What cannot be read is told as a warning
  std::shared_ptr<compose::ParsedFiles> parsed;  // by whoever looks into them before they are loaded; else null

  // Reads nothing yet. The invocation's terminal is borrowed: only later it is known whether it may be coloured.
  static std::shared_ptr<ProjectFiles> of(const Invocation& invocation);
};

}  // namespace consort::cli
