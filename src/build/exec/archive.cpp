#include "build/exec/archive.hpp"

#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>

#include "base/os/processes/process.hpp"

namespace consort::build {
namespace {

constexpr std::size_t block = 512;

// bzip2 and xz are unpacked by external programs, as in Docker, so that we need not link their libraries.
class Unpacker {
 public:
  static Result<std::shared_ptr<Unpacker>> open(const char* program, int fd) {
    auto unpacker = std::make_shared<Unpacker>();
    Pipe pipe = TRY(make_pipe());
    SpawnOptions options;
    options.argv = {program, "-dc"};
    options.in = fd;
    options.out = pipe.write.get();
    auto child = spawn(options);
    if (!child) {
      return fail(std::move(child).error().wrap("unpack archive", std::string("with ") + program));
    }
    unpacker->child_ = std::move(*child);
    unpacker->out_ = std::move(pipe.read);
    return unpacker;
  }

  Result<std::size_t> read(std::span<std::byte> into) {
    if (!out_) return 0;
    const std::size_t count = TRY(read_some(out_.get(), into));
    if (count > 0) return count;
    out_.reset();
    if (!TRY(child_.wait()).success())
      return fail(Error(Code::invalid, "unpack archive").why("the archive is damaged"));
    return 0;
  }

 private:
  Fd out_;
  ChildGuard child_;
};

bool has_magic(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

// The header's checksum treats its own field as spaces.
bool is_tar_header(std::span<const std::byte> header) {
  if (header.size() < block) return false;
  unsigned long sum = 0;
  for (std::size_t i = 0; i < block; ++i) sum += i >= 148 && i < 156 ? ' ' : std::to_integer<unsigned>(header[i]);
  unsigned long stated = 0;
  bool digits = false;
  for (std::size_t i = 148; i < 156; ++i) {
    const char c = static_cast<char>(header[i]);
    if (c >= '0' && c <= '7') {
      stated = stated * 8 + static_cast<unsigned long>(c - '0');
      digits = true;
    } else if (digits) {
      break;
    }
  }
  return digits && sum == stated;
}

Result<std::size_t> fill(const image::ByteSource& source, std::span<std::byte> into) {
  std::size_t total = 0;
  while (total < into.size()) {
    const std::size_t count = TRY(source(into.subspan(total)));
    if (count == 0) break;
    total += count;
  }
  return total;
}

}  // namespace

Result<image::ByteSource> open_archive(int fd) {
  std::array<std::byte, 8> start{};
  const ssize_t count = ::pread(fd, start.data(), start.size(), ::lseek(fd, 0, SEEK_CUR));
  const auto bytes = std::span(start).first(count < 0 ? 0 : static_cast<std::size_t>(count));
  const bool bzip2 = has_magic(bytes, "BZh");
  if (bzip2 || has_magic(bytes,
                         "\xFD"
                         "7zXZ")) {
    auto unpacker = TRY(Unpacker::open(bzip2 ? "bzip2" : "xz", fd));
    return image::ByteSource([unpacker](std::span<std::byte> into) { return unpacker->read(into); });
  }
  return image::decompressed(image::source_of_fd(fd));
}

Result<bool> is_archive(int fd) {
  const off_t position = ::lseek(fd, 0, SEEK_CUR);
  if (position < 0) return fail_errno("read archive");
  std::array<std::byte, block> header{};
  auto source = open_archive(fd);
  // An archive that cannot be unpacked is copied as an ordinary file, as in Docker.
  const auto count = source ? fill(*source, header) : Result<std::size_t>(0);
  if (::lseek(fd, position, SEEK_SET) < 0) return fail_errno("read archive");
  return count && *count == block && is_tar_header(header);
}

}  // namespace consort::build
