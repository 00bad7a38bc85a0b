#include "cli/commands/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/os/file.hpp"
#include "base/os/temporary.hpp"

namespace consort::cli {

Result<OutputFile> OutputFile::open(const std::string& path) {
  if (path.empty()) return OutputFile(TRY(duplicate(STDOUT_FILENO)), {}, {});
  const auto status = stat_path(path);
  if (status && !S_ISREG(status->st_mode)) return OutputFile(TRY(open_file(path, O_WRONLY)), {}, {});
  // As `docker save` has it: an image or a container's files are not for everybody.
  TemporaryFile temporary = TRY(create_temporary(path, 0600));
  return OutputFile(std::move(temporary.fd), std::move(temporary.path), path);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      temporary_(std::exchange(other.temporary_, {})),
      path_(std::exchange(other.path_, {})) {}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) (void)remove_file(temporary_);
}

Result<> OutputFile::commit() {
  fd_.reset();
  if (temporary_.empty()) return {};
  TRY(rename_path(temporary_, path_));
  temporary_.clear();
  return {};
}

}  // namespace consort::cli
