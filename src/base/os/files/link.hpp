// Symbolic links.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort {

// What the link `name` of a directory names. shown: how an error calls it. Not for use between clone and exec.
Result<std::string> read_link_at(int folder, const std::string& name, const std::string& shown);
inline Result<std::string> read_link_at(int folder, const std::string& name) {
  return read_link_at(folder, name, name);
}

}  // namespace consort
