// Writes a deterministic tar: ustar headers, plus pax records for values that do not fit.
#pragma once

#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "image/layer_tar.hpp"

namespace consort::image {

struct TarHeader {
  std::string path;
  std::string link;
  char type = '0';
  std::uint32_t mode = 0644;
  std::uint32_t uid = 0, gid = 0;
  std::uint32_t device_major = 0, device_minor = 0;
  std::int64_t mtime = 0;  // seconds
  std::uint64_t size = 0;
  std::map<std::string, std::string> xattrs;
};

class TarWriter {
 public:
  explicit TarWriter(ByteSink sink) : sink_(std::move(sink)) { buffer_.reserve(capacity); }

  // Adds an entry without data (size 0).
  Result<> add(const TarHeader& header);
  // Adds an entry with header.size bytes read from fd. A file that has become shorter is padded with zeros.
  Result<> add_file(const TarHeader& header, int fd, const std::stop_token& cancel = {});
  Result<> add_text(TarHeader header, std::string_view content);
  Result<> finish();  // the end mark

 private:
  static constexpr std::size_t capacity = 1 << 20;
  Result<> put(std::span<const std::byte> bytes);
  Result<> pad(std::uint64_t size);
  Result<> flush();

  ByteSink sink_;
  std::vector<std::byte> buffer_;
};

}  // namespace consort::image
