// Reading symbolic links.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort {

// The target of the link `name` in the directory `directory` (borrowed). `shown` is its name in errors. Not for use
// between clone and exec.
Result<std::string> read_link_at(int directory, const std::string& name, const std::string& shown);
inline Result<std::string> read_link_at(int directory, const std::string& name) {
  return read_link_at(directory, name, name);
}

}  // namespace consort
