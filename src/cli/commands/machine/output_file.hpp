// Output of archives: standard output, or a file that is written atomically.
#pragma once

#include <memory>
#include <string>

#include "base/os/files/temporary.hpp"
#include "project/exec/listening.hpp"

namespace consort::cli {

class OutputFile {
 public:
  // "": standard output. Anything but a regular file (a device, a pipe) is written directly.
  static Result<OutputFile> open(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();  // removes an unfinished file; so does an interrupt

  int fd() const { return fd_.get(); }
  Result<> commit();

 private:
  OutputFile(TemporaryFile file, std::string path, std::unique_ptr<project::OnInterrupt> on_interrupt);
  Fd fd_;
  std::string temporary_, path_;
  std::unique_ptr<project::OnInterrupt> on_interrupt_;  // null without a temporary file
};

}  // namespace consort::cli
