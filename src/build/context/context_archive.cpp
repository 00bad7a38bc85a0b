#include "build/context_archive.hpp"

#include <unistd.h>

#include <array>

#include "base/os/files/temporary.hpp"
#include "build/exec/archive.hpp"

namespace consort::build {

namespace {

// The compression is detected from the first bytes, so a file is required: a pipe cannot be read twice.
Result<Fd> as_file(int in, const std::string& directory) {
  Fd file = TRY(create_unnamed(directory));
  std::array<std::byte, std::size_t{64} << 10> part;
  while (const std::size_t got = TRY(read_some(in, part)))
    TRY(write_full(file.get(), std::string_view(reinterpret_cast<const char*>(part.data()), got)));
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return fail_errno("read build context");
  return file;
}

}  // namespace

Result<> unpack_context(int in, const std::string& directory) {
  const Fd file = TRY(as_file(in, directory));
  // Two empty blocks are an archive as well, an empty one.
  if (!TRY(is_archive(file.get())) && ::lseek(file.get(), 0, SEEK_END) > 0) {
    std::array<std::byte, 512> start{};
    const auto empty =
        ::pread(file.get(), start.data(), start.size(), 0) == 512 && start == std::array<std::byte, 512>{};
    if (!empty) return fail(Error(Code::invalid, "unpack build context").why("it is not a tar archive"));
  }
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return fail_errno("read build context");
  image::UnpackOptions options;
  options.whiteouts = image::UnpackOptions::Whiteouts::plain;
  TRY_WRAP(image::unpack_layer(TRY(open_archive(file.get())), directory, options), "unpack", "build context");
  return {};
}

}  // namespace consort::build
