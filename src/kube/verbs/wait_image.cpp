#include "kube/wait_image.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>

#include "base/os/file.hpp"
#include "image/pack_files.hpp"

namespace consort::kube {

Result<Fd> pack_wait_program(const std::string& path) {
  Fd tar(::memfd_create(wait_program, MFD_CLOEXEC));
  if (!tar) return fail_errno("make a file in memory");
  const Fd folder = TRY(open_file(dir_name(path), O_RDONLY | O_DIRECTORY));
  const std::array<image::ChosenFile, 1> files{image::ChosenFile{base_name(path), wait_program}};
  (void)TRY(image::pack_files(folder.get(), files, image::sink_of_fd(tar.get())));
  if (::lseek(tar.get(), 0, SEEK_SET) < 0) return fail_errno("read a file in memory");
  return tar;
}

}  // namespace consort::kube
