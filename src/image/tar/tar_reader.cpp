#include "image/tar/tar_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "base/limit_text.hpp"
#include "base/strings.hpp"
#include "image/tar/tar_format.hpp"

namespace consort::image {

namespace {

constexpr std::size_t buffer_bytes = 1 << 20;
constexpr std::uint64_t max_extended_header = 1 << 20;
constexpr std::size_t max_path = 4096;  // PATH_MAX: longer names cannot be created anyway
constexpr std::size_t max_extents = 1 << 18;
constexpr std::uint64_t max_file_size = std::uint64_t{1} << 62;
constexpr std::string_view xattr_prefix = "SCHILY.xattr.";

std::unexpected<Error> malformed(std::string why) {
  return fail(Error(Code::invalid, "read tar").why(std::move(why)));
}

Result<std::uint64_t> pax_number(const std::string& text) {
  const auto value = parse_unsigned(text);
  if (!value) return malformed("an extended header holds a bad number");
  return *value;
}

// "1700000000.123456789"; in a negative time, the fraction is negative, too.
Result<timespec> pax_time(std::string_view text) {
  const std::size_t dot = text.find('.');
  const auto seconds = parse_signed(text.substr(0, dot));
  if (!seconds) return malformed("an extended header holds a bad time");
  timespec time{static_cast<time_t>(*seconds), 0};
  if (dot == std::string_view::npos) return time;
  std::string digits(text.substr(dot + 1, 9));
  digits.resize(9, '0');
  const auto fraction = parse_unsigned(digits);
  if (!fraction) return malformed("an extended header holds a bad time");
  time.tv_nsec = static_cast<long>(*fraction);
  if (text.starts_with('-') && time.tv_nsec) {
    if (time.tv_sec == std::numeric_limits<time_t>::min()) return malformed("an extended header holds a bad time");
    --time.tv_sec;
    time.tv_nsec = 1'000'000'000 - time.tv_nsec;
  }
  return time;
}

Result<> add_extent(TarEntry& entry, std::uint64_t offset, std::uint64_t length) {
  const std::uint64_t before = entry.extents.empty() ? 0 : entry.extents.back().offset + entry.extents.back().length;
  if (offset < before || offset > max_file_size || length > max_file_size) return malformed("a sparse map is wrong");
  if (entry.extents.size() >= max_extents) return malformed("a sparse map is too long");
  entry.extents.push_back({offset, length});
  return {};
}

Result<> check_extents(const TarEntry& entry, std::uint64_t stored) {
  std::uint64_t sum = 0;
  for (const auto& extent : entry.extents) sum += extent.length;  // extents do not overlap: the end bounds the sum
  if (sum != stored) return malformed("a sparse map does not fit its data");
  if (!entry.extents.empty() && entry.extents.back().offset + entry.extents.back().length > entry.size)
    return malformed("a sparse map reaches beyond the file's end");
  return {};
}

// Format 0.1: "offset,length,offset,length"; 0.0: the same numbers as repeated records, in order.
Result<> read_pax_sparse(const PaxRecords& records, TarEntry& entry) {
  std::vector<std::string> numbers;
  if (const auto map = pax_value(records, "GNU.sparse.map")) {
    if (!map->empty()) numbers = split(*map, ',');
  } else {
    const auto [offset, offset_end] = records.equal_range("GNU.sparse.offset");
    auto [length, length_end] = records.equal_range("GNU.sparse.numbytes");
    for (auto at = offset; at != offset_end; ++at) {
      if (length == length_end) return malformed("a sparse map is wrong");
      numbers.push_back(at->second);
      numbers.push_back((length++)->second);
    }
  }
  if (numbers.size() % 2 != 0) return malformed("a sparse map is wrong");
  for (std::size_t i = 0; i < numbers.size(); i += 2)
    TRY(add_extent(entry, TRY(pax_number(numbers[i])), TRY(pax_number(numbers[i + 1]))));
  return {};
}

}  // namespace

struct TarReader::Extra {
  PaxRecords pax;
  std::optional<std::string> gnu_path, gnu_link;
};

TarReader::TarReader(ByteSource source, std::uint64_t max_bytes)
    : source_(std::move(source)), max_bytes_(max_bytes), buffer_(buffer_bytes) {}

Result<> TarReader::refill() {
  if (at_ == end_) {
    at_ = end_ = 0;
  } else if (at_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
    end_ -= at_;
    at_ = 0;
  }
  const std::size_t got = TRY(source_(std::span(buffer_).subspan(end_)));
  if (got == 0) source_ended_ = true;
  end_ += got;
  total_ += got;
  if (total_ > max_bytes_)
    return fail(Error(Code::invalid, "read tar").why("it is larger than the limit of " + limit_text(max_bytes_)));
  return {};
}

// Returns false if the source ends before that many bytes.
Result<bool> TarReader::ensure(std::size_t bytes) {
  while (end_ - at_ < bytes) {
    if (source_ended_) return false;
    TRY(refill());
  }
  return true;
}

Result<> TarReader::skip(std::uint64_t bytes) {
  while (bytes > 0) {
    if (!TRY(ensure(1))) return malformed("it ends in the middle of a file");
    const std::uint64_t part = std::min<std::uint64_t>(bytes, end_ - at_);
    at_ += part;
    bytes -= part;
  }
  return {};
}

// An extended header's data, with its padding.
Result<std::string> TarReader::take_text(std::uint64_t bytes) {
  if (bytes > max_extended_header) return malformed("an extended header is too long");
  const std::uint64_t padded = (bytes + tar_block - 1) / tar_block * tar_block;
  std::string text;
  while (text.size() < padded) {
    if (!TRY(ensure(1))) return malformed("it ends in an extended header");
    const std::size_t part = std::min<std::size_t>(padded - text.size(), end_ - at_);
    text.append(reinterpret_cast<const char*>(buffer_.data() + at_), part);
    at_ += part;
  }
  text.resize(bytes);
  return text;
}

Result<std::span<const std::byte>> TarReader::data() {
  if (data_left_ == 0) return std::span<const std::byte>();
  if (!TRY(ensure(1))) return malformed("it ends in the middle of a file");
  const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(data_left_, end_ - at_));
  const std::span<const std::byte> view(buffer_.data() + at_, part);
  at_ += part;
  data_left_ -= part;
  return view;
}

Result<> TarReader::drain() {
  while (!source_ended_) {
    at_ = end_;
    TRY(refill());
  }
  at_ = end_;
  return {};
}

Result<std::optional<TarEntry>> TarReader::next() {
  TRY(skip(data_left_));
  data_left_ = 0;
  // Behind the last file it may be missing: `docker build -f -` writes such a context.
  while (padding_left_ > 0 && TRY(ensure(1))) {
    const std::uint64_t part = std::min<std::uint64_t>(padding_left_, end_ - at_);
    at_ += part;
    padding_left_ -= part;
  }
  padding_left_ = 0;
  Extra extra;
  for (;;) {
    if (!TRY(ensure(tar_block))) {
      if (end_ != at_) return malformed("it ends in the middle of a header");
      return std::nullopt;  // no end mark: Docker's own tools have written such archives
    }
    std::array<char, tar_block> header;
    std::memcpy(header.data(), buffer_.data() + at_, tar_block);
    at_ += tar_block;
    if (tar_block_is_zero(header.data())) return std::nullopt;
    if (!tar_checksum_matches(header.data())) return malformed("a header's checksum is wrong");
    const char type = header[tar_field::type.offset];
    if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
      const std::string text = TRY(take_text(TRY(tar_number(header.data(), tar_field::size))));
      const auto to_nul = [&] { return text.substr(0, text.find('\0')); };
      if (type == 'x') extra.pax = TRY(parse_pax(text));
      if (type == 'L') extra.gnu_path = to_nul();
      if (type == 'K') extra.gnu_link = to_nul();
      continue;
    }
    auto entry = TRY(read_entry(header.data(), extra));
    if (entry) return entry;
    TRY(skip(data_left_ + padding_left_));
    data_left_ = padding_left_ = 0;
    extra = {};
  }
}

namespace {

std::optional<TarEntry::Type> entry_type(char type, std::string_view path) {
  switch (type) {
    case '\0':
    case '0':
    case '7':
      return path.ends_with('/') ? TarEntry::Type::directory : TarEntry::Type::file;
    case 'S':
      return TarEntry::Type::file;
    case '1':
      return TarEntry::Type::hard_link;
    case '2':
      return TarEntry::Type::symlink;
    case '3':
      return TarEntry::Type::character;
    case '4':
      return TarEntry::Type::block;
    case '5':
      return TarEntry::Type::directory;
    case '6':
      return TarEntry::Type::fifo;
    default:
      return std::nullopt;
  }
}

std::string header_path(const char* header) {
  std::string name(tar_text(header, tar_field::name));
  // Only POSIX headers ("ustar\0") have a prefix; GNU's ("ustar  ") keep times and sparse maps there.
  if (std::memcmp(header + tar_field::magic.offset, "ustar\0", 6) != 0) return name;
  const std::string_view prefix = tar_text(header, tar_field::prefix);
  return prefix.empty() ? name : std::string(prefix) + "/" + name;
}

Result<std::uint32_t> id_number(std::uint64_t number) {
  if (number > std::numeric_limits<std::uint32_t>::max() - 1) return malformed("an owner's number is too large");
  return static_cast<std::uint32_t>(number);
}

Result<> read_numbers(const char* header, const PaxRecords& pax, TarEntry& entry) {
  const auto number = [&](const char* key, TarField field) -> Result<std::uint64_t> {
    if (const auto text = pax_value(pax, key)) return pax_number(*text);
    return tar_number(header, field);
  };
  entry.mode = static_cast<std::uint32_t>(TRY(tar_number(header, tar_field::mode)) & 07777);
  entry.uid = TRY(id_number(TRY(number("uid", tar_field::uid))));
  entry.gid = TRY(id_number(TRY(number("gid", tar_field::gid))));
  entry.size = TRY(number("size", tar_field::size));
  if (entry.size > max_file_size) return malformed("a file is too large");
  if (const auto text = pax_value(pax, "mtime"))
    entry.mtime = TRY(pax_time(*text));
  else
    entry.mtime.tv_sec = TRY(tar_signed(header, tar_field::mtime));
  if (entry.type == TarEntry::Type::character || entry.type == TarEntry::Type::block) {
    entry.device_major = static_cast<std::uint32_t>(TRY(tar_number(header, tar_field::major)));
    entry.device_minor = static_cast<std::uint32_t>(TRY(tar_number(header, tar_field::minor)));
  }
  return {};
}

Result<> check_names(const TarEntry& entry) {
  if (entry.path.empty()) return malformed("an entry has no name");
  if (entry.path.size() >= max_path || entry.link.size() >= max_path) return malformed("a name is too long");
  if (entry.path.find('\0') != std::string::npos || entry.link.find('\0') != std::string::npos)
    return malformed("a name holds a NUL");
  const bool link = entry.type == TarEntry::Type::hard_link || entry.type == TarEntry::Type::symlink;
  if (link && entry.link.empty()) return malformed("the link \"" + entry.path.substr(0, 200) + "\" has no target");
  return {};
}

}  // namespace

Result<std::optional<TarEntry>> TarReader::read_entry(const char* header, Extra& extra) {
  const PaxRecords& pax = extra.pax;
  TarEntry entry;
  entry.path = extra.gnu_path ? *extra.gnu_path : header_path(header);
  entry.link = extra.gnu_link ? *extra.gnu_link : std::string(tar_text(header, tar_field::link));
  if (const auto path = pax_value(pax, "path")) entry.path = *path;
  if (const auto link = pax_value(pax, "linkpath")) entry.link = *link;

  const char type_letter = header[tar_field::type.offset];
  const auto type = entry_type(type_letter, entry.path);
  if (type) entry.type = *type;
  TRY(read_numbers(header, pax, entry));
  // Only files have data, but some old programs write a size for links and directories, too.
  const bool has_data = !type || *type == TarEntry::Type::file;
  data_left_ = has_data ? entry.size : 0;
  padding_left_ = (tar_block - data_left_ % tar_block) % tar_block;
  if (!type) return std::nullopt;  // an undefined type of entry: skipped, as by all tar programs
  if (!has_data) entry.size = 0;

  for (auto at = pax.lower_bound(std::string(xattr_prefix)); at != pax.end() && at->first.starts_with(xattr_prefix);
       ++at)
    entry.xattrs[at->first.substr(xattr_prefix.size())] = at->second;

  const std::uint64_t stored = data_left_;
  if (type_letter == 'S') {
    TRY(read_old_sparse(header, entry));
    TRY(check_extents(entry, stored));
  } else if (*type == TarEntry::Type::file && pax.contains("GNU.sparse.major")) {
    if (const auto real = pax_value(pax, "GNU.sparse.realsize")) entry.size = TRY(pax_number(*real));
    if (const auto name = pax_value(pax, "GNU.sparse.name")) entry.path = *name;
    TRY(read_sparse_1_0(entry));
  } else if (const auto size = pax_value(pax, "GNU.sparse.size"); size && *type == TarEntry::Type::file) {
    entry.size = TRY(pax_number(*size));
    if (const auto name = pax_value(pax, "GNU.sparse.name")) entry.path = *name;
    entry.sparse = true;
    TRY(read_pax_sparse(pax, entry));
    TRY(check_extents(entry, stored));
  }
  if (entry.size > max_file_size) return malformed("a file is too large");
  TRY(check_names(entry));
  return entry;
}

Result<> TarReader::read_old_sparse(const char* header, TarEntry& entry) {
  entry.sparse = true;
  const auto read_map = [&](const char* block, std::size_t offset, int count) -> Result<> {
    for (int i = 0; i < count; ++i, offset += 24) {
      if (block[offset] == 0) break;
      TRY(add_extent(entry, TRY(tar_number(block, {offset, 12})), TRY(tar_number(block, {offset + 12, 12}))));
    }
    return {};
  };
  TRY(read_map(header, tar_field::old_sparse.offset, 4));
  entry.size = TRY(tar_number(header, tar_field::old_sparse_size));
  bool more = header[tar_field::old_sparse_more.offset] != 0;
  while (more) {
    if (!TRY(ensure(tar_block))) return malformed("it ends in a sparse map");
    const char* block = reinterpret_cast<const char*>(buffer_.data() + at_);
    TRY(read_map(block, 0, 21));
    more = block[504] != 0;
    at_ += tar_block;
  }
  return {};
}

// The map comes before the data, as decimal lines padded to whole blocks: count, then offset and length of each extent.
Result<> TarReader::read_sparse_1_0(TarEntry& entry) {
  entry.sparse = true;
  std::uint64_t used = 0;
  const auto line = [&]() -> Result<std::uint64_t> {
    std::string digits;
    for (;;) {
      if (used >= data_left_ || !TRY(ensure(1))) return malformed("it ends in a sparse map");
      const char c = static_cast<char>(buffer_[at_++]);
      ++used;
      if (c == '\n') break;
      digits += c;
      if (digits.size() > 20) return malformed("a sparse map is wrong");
    }
    return pax_number(digits);
  };
  const std::uint64_t count = TRY(line());
  if (count > max_extents) return malformed("a sparse map is too long");
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t offset = TRY(line());
    TRY(add_extent(entry, offset, TRY(line())));
  }
  const std::uint64_t fill = (tar_block - used % tar_block) % tar_block;
  if (used + fill > data_left_) return malformed("it ends in a sparse map");
  TRY(skip(fill));
  data_left_ -= used + fill;
  return check_extents(entry, data_left_);
}

}  // namespace consort::image
