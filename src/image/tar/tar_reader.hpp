// Reads a tar in any of the formats used for layers: ustar, pax (POSIX.1-2001), GNU (long names, base-256 numbers,
// sparse files of format 0.0, 0.1, 1.0 and the old one). All input is untrusted: every length is checked before use,
// malformed input is Code::invalid. libarchive is not used because names must keep their exact bytes and data must not
// be copied.
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
  std::string path;  // as written: may be absolute or contain "..", never a NUL, never empty
  std::string link;
  std::uint32_t mode = 0;  // permission bits only (07777)
  std::uint32_t uid = 0, gid = 0;
  std::uint32_t device_major = 0, device_minor = 0;
  timespec mtime{};
  std::uint64_t size = 0;  // of the unpacked file, holes included
  std::map<std::string, std::string> xattrs;

  struct Extent {
    std::uint64_t offset = 0, length = 0;
  };
  std::vector<Extent> extents;  // only for a sparse file: where its data goes, in order, without overlap
  bool sparse = false;
};

class TarReader {
 public:
  // max_bytes bounds the whole tar.
  TarReader(ByteSource source, std::uint64_t max_bytes);

  // Returns the next entry, nullopt at the end of the archive. Skips the rest of the last entry's data.
  Result<std::optional<TarEntry>> next();
  // Returns more of the entry's data: a view that is valid until the next call, empty at the end. For a sparse file,
  // the bytes of its extents one after another.
  Result<std::span<const std::byte>> data();
  // Reads and discards everything after the archive's end, so that the source has been read (and hashed) completely.
  Result<> drain();

  std::uint64_t bytes_read() const { return total_; }

 private:
  struct Extra;  // from extended headers, for the next entry
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
