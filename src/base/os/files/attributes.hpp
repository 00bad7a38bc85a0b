// Extended attributes of files.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace consort {

// Empty if the file system does not support them.
Result<std::vector<std::string>> attribute_names(int fd);
Result<std::vector<std::string>> attribute_names(const std::string& path);  // does not follow a symbolic link

Result<std::string> read_attribute(int fd, const std::string& name);
Result<std::string> read_attribute(const std::string& path, const std::string& name);  // likewise

}  // namespace consort
