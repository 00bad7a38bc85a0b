// Where an archive goes: standard output, or a file that is there entirely or not at all.
#pragma once

#include <memory>
#include <string>

#include "base/os/files/temporary.hpp"
#include "project/exec/listening.hpp"

namespace consort::cli {

class OutputFile {
 public:
  // "": standard output. What is no plain file (a device, a pipe) is written as it is.
  static Result<OutputFile> open(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();  // an unfinished file goes, as it does when the command is interrupted

  int fd() const { return fd_.get(); }
  Result<> commit();

 private:
  OutputFile(TemporaryFile file, std::string path, std::unique_ptr<project::OnInterrupt> on_interrupt);
  Fd fd_;
  std::string temporary_, path_;
  std::unique_ptr<project::OnInterrupt> on_interrupt_;  // none without a temporary
};

}  // namespace consort::cli
