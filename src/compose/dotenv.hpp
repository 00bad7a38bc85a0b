// The grammar of .env files, --env-file, env_file and label_file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compose/template.hpp"

namespace consort::compose {

struct DotenvVariable {
  std::string name;
  std::optional<std::string> value;  // nullopt: only the name was given, and nobody knows a value
  std::uint32_t line = 0;
};

struct DotenvResult {
  std::vector<DotenvVariable> variables;  // in the order of the file
  std::vector<std::string> unset;         // variables defaulted to a blank string
  std::vector<std::string> warnings;      // what is read otherwise than it looks, without the file's name
  std::string error;                      // "" = fine; Docker's words without the file's name
  std::uint32_t error_line = 0;
};

// A variable is looked for in `first`, then in what the file itself has set so far, then in `fallback`.
DotenvResult parse_dotenv(std::string_view text, const Lookup& first, const Lookup& fallback = {});
// format: raw of env_file.
DotenvResult parse_raw_env(std::string_view text, const Lookup& lookup);

}  // namespace consort::compose
