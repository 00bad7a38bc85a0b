// The tar reader and the decompressors in front of it: no input may crash, hang or read beyond its buffers.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "image/tar/tar_format.hpp"
#include "image/tar/tar_reader.hpp"

using namespace consort;

namespace {

image::ByteSource source_of(std::span<const std::byte> bytes, std::size_t chunk) {
  return [bytes, chunk](std::span<std::byte> into) mutable -> Result<std::size_t> {
    const std::size_t count = std::min({into.size(), bytes.size(), chunk});
    if (count == 0) return 0;
    std::memcpy(into.data(), bytes.data(), count);
    bytes = bytes.subspan(count);
    return count;
  };
}

// Mutations rarely have correct checksums, so these are corrected to reach the code behind the check.
std::vector<std::byte> with_checksums(std::span<const std::byte> bytes) {
  std::vector<std::byte> copy(bytes.begin(), bytes.end());
  for (std::size_t at = 0; at + image::tar_block <= copy.size(); at += image::tar_block) {
    char* block = reinterpret_cast<char*>(copy.data() + at);
    if (std::memcmp(block + image::tar_field::magic.offset, "ustar", 5) != 0) continue;
    std::memset(block + image::tar_field::checksum.offset, ' ', 8);
    unsigned sum = 0;
    for (std::size_t i = 0; i < image::tar_block; ++i) sum += static_cast<unsigned char>(block[i]);
    std::snprintf(block + image::tar_field::checksum.offset, 7, "%06o", sum);
  }
  return copy;
}

void read_all(const image::ByteSource& source) {
  image::TarReader tar(source, 4 << 20);
  for (;;) {
    const auto entry = tar.next();
    if (!entry || !*entry) return;
    for (;;) {
      const auto data = tar.data();
      if (!data) return;
      if (data->empty()) break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const std::vector<std::byte> repaired = with_checksums(bytes);
  read_all(source_of(repaired, 700));
  read_all(image::decompressed(source_of(bytes, 97)));
  (void)image::parse_pax(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
