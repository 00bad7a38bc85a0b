// Where an archive goes: standard output, or a file that is there entirely or not at all.
#pragma once

#include <string>

#include "base/os/fd.hpp"

namespace consort::cli {

class OutputFile {
 public:
  // "": standard output. What is no plain file (a device, a pipe) is written as it is.
  static Result<OutputFile> open(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();  // an unfinished file goes

  int fd() const { return fd_.get(); }
  Result<> commit();

 private:
  OutputFile(Fd fd, std::string temporary, std::string path)
      : fd_(std::move(fd)), temporary_(std::move(temporary)), path_(std::move(path)) {}
  Fd fd_;
  std::string temporary_, path_;
};

}  // namespace consort::cli
