#include "image/tar/tar_format.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace consort::image {

namespace {

std::unexpected<Error> malformed(std::string why) {
  return fail(Error(Code::invalid, "read tar").why(std::move(why)));
}

Result<std::int64_t> base256(std::string_view bytes) {
  // The first bit marks the format, the second is the sign of a two's complement number.
  const bool negative = (static_cast<unsigned char>(bytes[0]) & 0x40) != 0;
  std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::uint64_t byte = static_cast<unsigned char>(bytes[i]);
    if (i == 0) byte = negative ? (byte | 0x80) : (byte & 0x7f);
    const std::uint64_t top = value >> 55;  // bits lost by the shift, and the new sign
    if (top != (negative ? 0x1ff : 0)) return malformed("a number is too large");
    value = (value << 8) | byte;
  }
  return static_cast<std::int64_t>(value);
}

}  // namespace

std::string_view tar_text(const char* block, TarField field) {
  const std::string_view whole(block + field.offset, field.length);
  return whole.substr(0, whole.find('\0'));
}

Result<std::int64_t> tar_signed(const char* block, TarField field) {
  const std::string_view whole(block + field.offset, field.length);
  if (static_cast<unsigned char>(whole[0]) & 0x80) return base256(whole);
  const std::string_view digits = trim(tar_text(block, field));
  std::int64_t value = 0;
  for (const char c : digits) {  // at most 12 digits of 3 bits: cannot overflow
    if (c < '0' || c > '7') return malformed("a number has a digit that is not octal");
    value = value * 8 + (c - '0');
  }
  return value;
}

Result<std::uint64_t> tar_number(const char* block, TarField field) {
  const std::int64_t value = TRY(tar_signed(block, field));
  if (value < 0) return malformed("a number is negative");
  return static_cast<std::uint64_t>(value);
}

bool tar_checksum_matches(const char* block) {
  std::int64_t plain = 0, as_signed = 0;  // some old programs summed signed characters
  for (std::size_t i = 0; i < tar_block; ++i) {
    const bool inside = i >= tar_field::checksum.offset && i < tar_field::checksum.offset + tar_field::checksum.length;
    plain += inside ? ' ' : static_cast<unsigned char>(block[i]);
    as_signed += inside ? ' ' : static_cast<signed char>(block[i]);
  }
  const auto stored = tar_signed(block, tar_field::checksum);
  return stored && (*stored == plain || *stored == as_signed);
}

bool tar_block_is_zero(const char* block) {
  return std::all_of(block, block + tar_block, [](char c) { return c == 0; });
}

Result<PaxRecords> parse_pax(std::string_view text) {
  PaxRecords records;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const auto length = space == std::string_view::npos ? std::nullopt : parse_unsigned(text.substr(0, space));
    if (!length || *length <= space + 1 || *length > text.size()) {
      if (std::ranges::all_of(text, [](char c) { return c == 0; })) break;  // padding inside the record's size
      return malformed("an extended header is malformed");
    }
    const std::string_view record = text.substr(space + 1, *length - space - 1);
    const std::size_t equals = record.find('=');
    if (!record.ends_with('\n') || equals == std::string_view::npos || equals == 0)
      return malformed("an extended header is malformed");
    records.emplace(record.substr(0, equals), record.substr(equals + 1, record.size() - equals - 2));
    text.remove_prefix(*length);
  }
  return records;
}

std::optional<std::string> pax_value(const PaxRecords& records, const std::string& key) {
  auto after = records.upper_bound(key);
  if (after == records.begin()) return std::nullopt;
  --after;
  return after->first == key ? std::optional(after->second) : std::nullopt;
}

}  // namespace consort::image
