// Where the project is: files, directories, environment, name. Comes before any file is parsed.
#pragma once

#include "compose/compose.hpp"
#include "compose/dotenv.hpp"

namespace consort::compose {

// The first two sources of a name must be valid as they are; the others are made valid.
std::string normalize_project_name(std::string_view name);
bool is_project_name(std::string_view name);
Error bad_project_name(const std::string& name);

// Reads an env file into `into`, replacing what is there; `first` is asked before the file's own variables.
Result<> read_env_file(const FileAccess& access, const std::string& path, const Lookup& first,
                       std::map<std::string, std::string>& into, std::vector<std::string>& unset,
                       std::vector<std::string>& warnings);

// load() for whoever has looked already: settings are those that find_project() gives for these options.
LoadOutcome load(const LoadOptions& options, Result<ProjectSettings> settings);

}  // namespace consort::compose
