// A temporary directory for each test, removed at the end.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "base/os/files/file.hpp"

namespace consort::supervisor {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = testing::TempDir() + "/consort-supervisor-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { (void)remove_tree(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace consort::supervisor
