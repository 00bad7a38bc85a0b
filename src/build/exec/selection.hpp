// What one source of a COPY stands for: the same list is hashed for the key and copied.
#pragma once

#include <string>
#include <vector>

#include "build/context/tree.hpp"
#include "build/plan/operations.hpp"

namespace consort::build {

struct Selected {
  std::string start;               // real path in the tree
  std::string name;                // what a file is called below a destination directory
  std::vector<FileEntry> entries;  // entries.front() is start itself
  bool is_folder() const;
};

// Not found: Code::not_found, with BuildKit's words.
Result<std::vector<Selected>> select(const SourceTree& tree, const CopyOperation& copy, const std::string& source);

enum class Owners : std::uint8_t { ignored, counted };  // ignored: the context's files all belong to 0:0
// Digest of everything a copy would take from them. The entries must be hashed.
std::string digest_of(const std::vector<Selected>& selection, Owners owners);
// "path TAB digest" lines, one for each entry, for --explain.
std::string list_of(const std::vector<Selected>& selection);

}  // namespace consort::build
