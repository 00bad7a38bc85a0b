// The other files that one Compose file names, as they are written in it: for whoever takes the file elsewhere and must
// take them along.
#pragma once

#include <string>
#include <vector>

#include "compose/diagnostic.hpp"

namespace consort::compose {

struct NamedFile {
  enum class Kind : std::uint8_t { extends, env_file, include } kind = Kind::extends;
  std::string service;  // of extends and env_file
  std::string written;
  bool required = true;  // of env_file
  TextEdit place;        // of the value; its replacement is empty. No file: it came by an alias, and stands elsewhere
};

// In the order of the text. `text` is what stands in the file `path`. Fails as the loader does if it is no YAML.
Result<std::vector<NamedFile>> file_references(const std::string& path, const std::string& text);

// The text with each reference's place taken by its replacement, where it has one; from two at one place the first.
std::string replace_references(std::string text, const std::vector<NamedFile>& references);

}  // namespace consort::compose
