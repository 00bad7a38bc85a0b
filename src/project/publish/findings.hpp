// What somebody should know before a project is published for others to read: looked for in the model and in the texts,
// without touching anything.
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

// The kinds are told by their form, such as `AKIA...`, `ghp_...`, a JSON web token, a PEM key, a password in an
// address.
// "" if the text has none of them.
std::string kind_of_secret(std::string_view text);
// Of a variable by its name (PASSWORD, TOKEN, API_KEY, ...), whatever its value.
bool names_a_secret(std::string_view variable);

// In the environment of services and the content of configs; in the texts of env files, where the place is the
// variable; in the texts of other files, where it is "". The project's env files are not read into it.
struct FileTexts {
  std::vector<std::string> env_files;
  std::vector<std::string> others;
};
std::vector<SensitiveValue> sensitive_values(const compose::Project& project, const FileTexts& texts);

// Services without an image: nobody else could run them.
std::vector<std::string> services_only_built(const compose::Project& project);
// Binds of the host, by service.
std::map<std::string, std::vector<compose::Mount>> host_binds(const compose::Project& project);

}  // namespace consort::project
