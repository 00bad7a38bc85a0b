// Finds what the user should know before publishing a project for others to read, in the model and in the texts.
// Changes nothing.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compose/model.hpp"

namespace consort::project {

// A value that looks like a credential.
struct SensitiveValue {
  std::string kind;   // "AWS Client ID"
  std::string place;  // "services.web.environment.AWS_ACCESS_KEY_ID", or a file
  std::string value;
};

// Recognises the form of the text: `AKIA...`, `ghp_...`, a JSON web token, a PEM key, a password in a URL. "" if it is
// none of them.
std::string kind_of_secret(std::string_view text);
// Whether the variable's name suggests a secret (PASSWORD, TOKEN, API_KEY, ...), whatever its value.
bool names_a_secret(std::string_view variable);

// Searches the environment of services and the content of configs; the texts of env files, where the place is the
// variable; and the texts of other files, where it is "". Does not include the project's own env files.
struct FileTexts {
  std::vector<std::string> env_files;
  std::vector<std::string> others;
};
std::vector<SensitiveValue> sensitive_values(const compose::Project& project, const FileTexts& texts);

// Services without an image, which nobody else could run.
std::vector<std::string> services_only_built(const compose::Project& project);
// Bind mounts of host paths, by service.
std::map<std::string, std::vector<compose::Mount>> host_binds(const compose::Project& project);

}  // namespace consort::project
