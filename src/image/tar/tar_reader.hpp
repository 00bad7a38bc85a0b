// Reads a tar of any of the families that layers come as: ustar, pax (POSIX.1-2001), GNU (long names, base-256 numbers,
// sparse files of format 0.0, 0.1, 1.0 and the old one). All input is foreign: every length is checked before use, what
// is malformed is Code::invalid. Our own, not libarchive's: names must arrive as the bytes they are, data without a
// copy.
#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "image/layer_tar.hpp"

namespace consort::image {

struct TarEntry {
  enum class Type : std::uint8_t { file, hard_link, symlink, character, block, directory, fifo };
  Type type = Type::file;
  std::string path;  // as written: may be absolute, may hold "..", never a NUL, never empty
  std::string link;
  std::uint32_t mode = 0;  // permission bits only (07777)
  std::uint32_t uid = 0, gid = 0;
  std::uint32_t device_major = 0, device_minor = 0;
  timespec mtime{};
  std::uint64_t size = 0;  // of the file once unpacked; holes included
  std::map<std::string, std::string> xattrs;

  struct Extent {
    std::uint64_t offset = 0, length = 0;
  };
  std::vector<Extent> extents;  // only of a sparse file: where its data goes, in order, without overlap
  bool sparse = false;
};

class TarReader {
 public:
  // max_bytes bounds the whole tar.
  TarReader(ByteSource source, std::uint64_t max_bytes);

  // The next entry, nullopt at the end of the archive. Skips what is left of the last entry's data.
  Result<std::optional<TarEntry>> next();
  // More of the entry's data: a view that is valid until the next call; empty at its end. Of a sparse file: the
  // extents' bytes, one after the other.
  Result<std::span<const std::byte>> data();
  // Reads and drops what follows the archive's end, so that the source has been read (and hashed) entirely.
  Result<> drain();

  std::uint64_t bytes_read() const { return total_; }

 private:
  struct Extra;  // what extended headers said about the next entry
  Result<bool> ensure(std::size_t bytes);
  Result<> refill();
  Result<> skip(std::uint64_t bytes);
  Result<std::string> take_text(std::uint64_t bytes);
  Result<std::optional<TarEntry>> read_entry(const char* header, Extra& extra);
  Result<> read_old_sparse(const char* header, TarEntry& entry);
  Result<> read_sparse_1_0(TarEntry& entry);

  ByteSource source_;
  std::uint64_t max_bytes_;
  std::vector<std::byte> buffer_;
  std::size_t at_ = 0, end_ = 0;
  bool source_ended_ = false;
  std::uint64_t total_ = 0;
  std::uint64_t data_left_ = 0;     // of the current entry
  std::uint64_t padding_left_ = 0;  // to the next block
};

}  // namespace consort::image
