// The files of an image archive, unpacked flat into a temporary directory under numbers, so that untrusted names never
// become paths.
#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "image/layer_tar.hpp"
#include "image/store.hpp"

namespace consort::image {

class ArchiveFiles {
 public:
  // Reads the whole stream. The directory is removed by the destructor.
  static Result<ArchiveFiles> read(const Store& store, const ByteSource& source, std::uint64_t max_bytes,
                                   const std::stop_token& cancel);

  bool has(const std::string& name) const { return find(name) != nullptr; }
  // The path of the unpacked copy. Links within the archive are followed. Code::invalid if there is no such file.
  Result<std::string> path(const std::string& name) const;
  Result<std::string> text(const std::string& name, std::size_t limit) const;

 private:
  explicit ArchiveFiles(ScratchDirectory directory) : directory_(std::move(directory)) {}
  const std::string* find(const std::string& name) const;

  ScratchDirectory directory_;
  std::map<std::string, std::string> files_;  // name in the archive -> path of the copy
  std::map<std::string, std::string> links_;  // name -> name
};

}  // namespace consort::image
