// Decodes the fields of a tar header block, by offset, and pax records.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::image {

inline constexpr std::size_t tar_block = 512;

struct TarField {
  std::size_t offset, length;
};
namespace tar_field {
inline constexpr TarField name{0, 100}, mode{100, 8}, uid{108, 8}, gid{116, 8}, size{124, 12}, mtime{136, 12},
    checksum{148, 8}, type{156, 1}, link{157, 100}, magic{257, 6}, version{263, 2}, user{265, 32}, group{297, 32},
    major{329, 8}, minor{337, 8}, prefix{345, 155};
inline constexpr TarField old_sparse{386, 96}, old_sparse_more{482, 1}, old_sparse_size{483, 12};
}  // namespace tar_field

// The field's text up to the first NUL.
std::string_view tar_text(const char* block, TarField field);
// Octal digits, or base-256 if the first bit is set. Negative or too large numbers are Code::invalid; blank is 0.
Result<std::uint64_t> tar_number(const char* block, TarField field);
// The signed form, for times before 1970.
Result<std::int64_t> tar_signed(const char* block, TarField field);
bool tar_checksum_matches(const char* block);
bool tar_block_is_zero(const char* block);

// "30 mtime=1700000000.123456789\n..." in order. Later records override earlier ones, but GNU's sparse format 0.0
// repeats its keys.
using PaxRecords = std::multimap<std::string, std::string>;
Result<PaxRecords> parse_pax(std::string_view text);
std::optional<std::string> pax_value(const PaxRecords& records, const std::string& key);

}  // namespace consort::image
