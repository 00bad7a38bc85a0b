// Resolves a source of a COPY to a list of files, which is both hashed for the key and copied.
#pragma once

#include <string>
#include <vector>

#include "build/context/tree.hpp"
#include "build/plan/operations.hpp"

namespace consort::build {

struct Selected {
  std::string start;               // real path within the tree
  std::string name;                // name of the file in a destination directory
  std::vector<FileEntry> entries;  // entries.front() is start itself
  bool is_directory() const;
};

// Code::not_found, in BuildKit's words, if the source does not exist.
Result<std::vector<Selected>> select(const SourceTree& tree, const CopyOperation& copy, const std::string& source);

enum class Owners : std::uint8_t { ignored, counted };  // ignored: all files of the context belong to 0:0
// Digest of everything that a copy of this selection would transfer. The entries must be hashed.
std::string digest_of(const std::vector<Selected>& selection, Owners owners);
// "path TAB digest" lines, one per entry, for --explain.
std::string list_of(const std::vector<Selected>& selection);

}  // namespace consort::build
