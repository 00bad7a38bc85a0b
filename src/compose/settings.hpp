// Determines the project's files, directories, environment and name, before any file is parsed.
#pragma once

#include "compose/compose.hpp"
#include "compose/dotenv.hpp"

namespace consort::compose {

// Names from the first two sources must already be valid; others are normalized.
std::string normalize_project_name(std::string_view name);
bool is_project_name(std::string_view name);
Error bad_project_name(const std::string& name);

// Reads an env file into `into`, replacing existing values; variables are looked up in `first` before the file's own.
Result<> read_env_file(const FileAccess& access, const std::string& path, const Lookup& first,
                       std::map<std::string, std::string>& into, std::vector<std::string>& unset,
                       std::vector<std::string>& warnings);

// load() for callers that already have the settings, as returned by find_project() for these options.
LoadOutcome load(const LoadOptions& options, Result<ProjectSettings> settings);

}  // namespace consort::compose
