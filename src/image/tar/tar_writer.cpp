#include "image/tar/tar_writer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "base/os/fd.hpp"
#include "image/tar/tar_format.hpp"

namespace consort::image {

namespace {

using Block = std::array<char, tar_block>;

void put_text(Block& block, TarField field, std::string_view text) {
  std::memcpy(block.data() + field.offset, text.data(), std::min(text.size(), field.length));
}

// Right-aligned octal with leading zeros and a NUL. If it does not fit, writes 0 and returns false.
bool put_number(Block& block, TarField field, std::uint64_t value) {
  const std::size_t digits = field.length - 1;
  const bool fits = value >> (3 * digits) == 0;
  if (!fits) value = 0;
  for (std::size_t i = digits; i-- > 0; value >>= 3) block[field.offset + i] = static_cast<char>('0' + (value & 7));
  return fits;
}

// Splits a path at a '/' so that both halves fit ustar's fields.
bool put_path(Block& block, std::string_view path) {
  if (path.size() <= tar_field::name.length) {
    put_text(block, tar_field::name, path);
    return true;
  }
  const std::size_t latest = std::min(tar_field::prefix.length, path.size() - 2);
  const std::size_t slash = path.rfind('/', latest);
  const bool fits = slash != std::string_view::npos && slash > 0 && path.size() - slash - 1 <= tar_field::name.length;
  if (!fits) {
    put_text(block, tar_field::name, path.substr(0, tar_field::name.length));
    return false;
  }
  put_text(block, tar_field::prefix, path.substr(0, slash));
  put_text(block, tar_field::name, path.substr(slash + 1));
  return true;
}

void put_checksum(Block& block) {
  std::memset(block.data() + tar_field::checksum.offset, ' ', tar_field::checksum.length);
  std::uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  std::snprintf(block.data() + tar_field::checksum.offset, 7, "%06o", static_cast<unsigned>(sum));
}

// "LENGTH key=value\n", where LENGTH counts itself.
std::string pax_record(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) length = std::to_string(length).size() + rest;
  return std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
}

Block make_block(const TarHeader& header, std::string& pax) {
  Block block{};
  if (!put_path(block, header.path)) pax += pax_record("path", header.path);
  if (header.link.size() > tar_field::link.length) pax += pax_record("linkpath", header.link);
  put_text(block, tar_field::link, header.link);
  put_number(block, tar_field::mode, header.mode);
  if (!put_number(block, tar_field::uid, header.uid)) pax += pax_record("uid", std::to_string(header.uid));
  if (!put_number(block, tar_field::gid, header.gid)) pax += pax_record("gid", std::to_string(header.gid));
  if (!put_number(block, tar_field::size, header.size)) pax += pax_record("size", std::to_string(header.size));
  // A negative time becomes a huge unsigned number, which does not fit either.
  if (!put_number(block, tar_field::mtime, static_cast<std::uint64_t>(header.mtime)))
    pax += pax_record("mtime", std::to_string(header.mtime));
  for (const auto& [key, value] : header.xattrs) pax += pax_record("SCHILY.xattr." + key, value);
  block[tar_field::type.offset] = header.type;
  put_text(block, tar_field::magic, std::string_view("ustar\0", 6));
  put_text(block, tar_field::version, "00");
  put_number(block, tar_field::major, header.device_major);
  put_number(block, tar_field::minor, header.device_minor);
  put_checksum(block);
  return block;
}

}  // namespace

Result<> TarWriter::put(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > capacity) TRY(flush());
  if (bytes.size() >= capacity) return sink_(bytes);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  return {};
}

Result<> TarWriter::flush() {
  if (!buffer_.empty()) TRY(sink_(buffer_));
  buffer_.clear();
  return {};
}

Result<> TarWriter::pad(std::uint64_t size) {
  static constexpr std::array<std::byte, tar_block> zeros{};
  return put(std::span(zeros).first(static_cast<std::size_t>((tar_block - size % tar_block) % tar_block)));
}

Result<> TarWriter::add(const TarHeader& header) {
  std::string pax;
  const Block block = make_block(header, pax);
  if (!pax.empty()) {
    TarHeader extended;
    // The name matters only to programs that do not know pax; those create a file from it.
    extended.path = "PaxHeaders.0/" + header.path.substr(0, 80);
    extended.type = 'x';
    extended.mtime = 0;
    extended.size = pax.size();
    std::string none;
    const Block extended_block = make_block(extended, none);
    TRY(put(std::as_bytes(std::span(extended_block))));
    TRY(put(std::as_bytes(std::span(pax))));
    TRY(pad(pax.size()));
  }
  return put(std::as_bytes(std::span(block)));
}

Result<> TarWriter::add_file(const TarHeader& header, int fd, const std::stop_token& cancel) {
  TRY(add(header));
  std::uint64_t left = header.size;
  while (left > 0) {
    if (cancel.stop_requested()) return fail(Code::interrupted, "pack");
    if (buffer_.size() == capacity) TRY(flush());
    const std::size_t before = buffer_.size();
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(left, capacity - before));
    buffer_.resize(before + want);  // pads with zeros if the file has become shorter
    (void)TRY(read_full(fd, std::span(buffer_).subspan(before)));
    left -= want;
  }
  return pad(header.size);
}

Result<> TarWriter::add_text(TarHeader header, std::string_view content) {
  header.size = content.size();
  TRY(add(header));
  TRY(put(std::as_bytes(std::span(content))));
  return pad(content.size());
}

Result<> TarWriter::finish() {
  static constexpr std::array<std::byte, 2 * tar_block> zeros{};
  TRY(put(zeros));
  return flush();
}

}  // namespace consort::image
