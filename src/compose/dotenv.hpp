// Parses .env files, --env-file, env_file and label_file.
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
  std::optional<std::string> value;  // nullopt: only the name was given, and no value is known
  std::uint32_t line = 0;
};

struct DotenvResult {
  std::vector<DotenvVariable> variables;  // in file order
  std::vector<std::string> unset;         // variables that default to a blank string
  std::vector<std::string> warnings;      // text that is interpreted unexpectedly; without the file's name
  std::string error;                      // "" = success; Docker's wording without the file's name
  std::uint32_t error_line = 0;
};

// Variables are looked up in `first`, then among those the file has set so far, then in `fallback`.
DotenvResult parse_dotenv(std::string_view text, const Lookup& first, const Lookup& fallback = {});
// For env_file with `format: raw`.
DotenvResult parse_raw_env(std::string_view text, const Lookup& lookup);

}  // namespace consort::compose
