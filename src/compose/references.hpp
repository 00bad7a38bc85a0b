// The other files that a Compose file refers to, as written in it: for code that copies the file elsewhere and must
// include them.
#pragma once

#include <string>
#include <vector>

#include "compose/diagnostic.hpp"

namespace consort::compose {

struct NamedFile {
  enum class Kind : std::uint8_t { extends, env_file, include } kind = Kind::extends;
  std::string service;  // for extends and env_file
  std::string written;
  bool required = true;  // for env_file
  TextEdit place;        // of the value; empty replacement. No file: the value comes from an alias
};

// In text order. `text` is the content of the file `path`. Fails like the loader if it is not valid YAML.
Result<std::vector<NamedFile>> file_references(const std::string& path, const std::string& text);

// The text with each reference replaced by its replacement, if it has one; if two have the same position, the first
// wins.
std::string replace_references(std::string text, const std::vector<NamedFile>& references);

}  // namespace consort::compose
