#include "cli/commands/machine/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/os/files/file.hpp"
#include "base/os/files/temporary.hpp"
#include "cli/signals.hpp"

namespace consort::cli {

Result<OutputFile> OutputFile::open(const std::string& path) {
  if (path.empty()) return OutputFile({TRY(duplicate(STDOUT_FILENO)), {}}, {}, {});
  const auto status = stat_path(path);
  if (status && !S_ISREG(status->st_mode)) return OutputFile({TRY(open_file(path, O_WRONLY)), {}}, {}, {});
  // From here on, an interrupt must not leave a partial file behind.
  const int interrupts = TRY(interrupt_descriptor());
  const project::Listening listening;
  // Only the owner may read it, as with `docker save`: an image or a container's files are not for all users.
  TemporaryFile temporary = TRY(create_temporary(path, 0600));
  auto on_interrupt = project::OnInterrupt::create(interrupts, [half = temporary.path] {
    (void)remove_file(half);
    ::_exit(interrupted_status);
  });
  return OutputFile(std::move(temporary), path, TRY(std::move(on_interrupt)));
}

OutputFile::OutputFile(TemporaryFile file, std::string path, std::unique_ptr<project::OnInterrupt> on_interrupt)
    : fd_(std::move(file.fd)),
      temporary_(std::move(file.path)),
      path_(std::move(path)),
      on_interrupt_(std::move(on_interrupt)) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      temporary_(std::exchange(other.temporary_, {})),
      path_(std::exchange(other.path_, {})),
      on_interrupt_(std::move(other.on_interrupt_)) {}

OutputFile::~OutputFile() {
  on_interrupt_.reset();
  if (!temporary_.empty()) (void)remove_file(temporary_);
}

Result<> OutputFile::commit() {
  fd_.reset();
  if (temporary_.empty()) return {};
  on_interrupt_.reset();
  TRY(rename_path(temporary_, path_));
  temporary_.clear();
  return {};
}

}  // namespace consort::cli
