#include "supervisor/log/log_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"

namespace consort::supervisor {
namespace {

Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<char> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read log");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

SystemTime time_of(const LogHeader& header) {
  return SystemTime(Nanoseconds(header.time_ns));
}

}  // namespace

std::vector<std::string> log_file_places(const std::string& path) {
  std::vector<std::string> names{path};
  // A rotation in progress leaves a gap of one.
  for (unsigned i = 1, missing = 0; missing < 2; ++i) {
    names.push_back(path + "." + std::to_string(i));
    missing = path_exists(names.back()) ? 0 : missing + 1;
  }
  std::ranges::reverse(names);
  return names;
}

std::vector<std::string> log_file_names(const std::string& path) {
  std::vector<std::string> names = log_file_places(path);
  std::erase_if(names, [&](const std::string& name) { return name != path && !path_exists(name); });
  return names;
}

Result<std::optional<LogFile>> LogFile::open(const std::string& path) {
  auto fd = open_file(path, O_RDONLY | O_NOFOLLOW);
  if (!fd && fd.error().code() == Code::not_found) return std::optional<LogFile>{};
  if (!fd) return fail(std::move(fd.error()).wrap("open log"));
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) return fail_errno("look at log", path);
  return std::optional<LogFile>(LogFile(std::move(*fd), info.st_ino));
}

Result<> LogFile::hold() {
  return lock_shared(fd_.get(), "log");
}

// A file that does not exist or cannot be opened is not held.
bool is_log_held(const std::string& path) {
  const auto file = open_file(path, O_RDONLY | O_NOFOLLOW);
  return file && ::flock(file->get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Result<std::uint64_t> LogFile::size() const {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return fail_errno("look at log");
  return static_cast<std::uint64_t>(info.st_size);
}

// Reads only up to the size that the file had before its bytes were read. A record that ended within that is final, and
// all bytes of the last record within it belong to it, even if its writer now shortens its header and continues after
// it.
Result<bool> LogFile::read_block(LogPosition& at, const RecordHandler& handler) {
  const std::uint64_t end = next_block(at.offset);
  const std::uint64_t seen = TRY(size());
  if (seen <= at.offset) return false;
  const bool whole_block = seen >= end;
  const std::uint64_t start = at.offset;
  const std::uint64_t before = at.taken;
  const auto room = static_cast<std::size_t>(std::min(seen, end) - start);
  const auto buffer = std::make_unique_for_overwrite<char[]>(room);
  const std::size_t got = TRY(read_at(fd_.get(), start, {buffer.get(), room}));
  while (at.offset < end && room_in_block(at.offset) > 0) {
    const std::size_t done = std::min<std::size_t>(at.offset - start, got);
    const std::span<const char> left(buffer.get() + done, got - done);
    const auto header = parse_log_header(left, at.offset);
    if (!header && whole_block) break;  // the rest of the block is not a log
    if (!header) return at.offset != start;
    const std::size_t there = std::min<std::size_t>(header->length, left.size() - log_header_bytes);
    if (there > at.taken)
      handler(LogRecord{time_of(*header), static_cast<LogStream>(header->stream),
                        std::string_view(left.data() + log_header_bytes + at.taken, there - at.taken)});
    at.taken = std::max<std::uint64_t>(at.taken, there);
    if (there < header->length) return at.offset != start || at.taken != before;
    at = {at.offset + log_header_bytes + header->length, 0};
  }
  at = {end, 0};
  return true;
}

Result<> LogFile::read(LogPosition& at, const RecordHandler& handler) {
  const std::uint64_t end = TRY(size());  // that of now: one who writes as fast as we read must not keep us
  while (at.offset < end && TRY(read_block(at, handler))) {
  }
  return {};
}

std::optional<LogHeader> LogFile::header_at(std::uint64_t offset) const {
  std::array<char, log_header_bytes> bytes;
  const auto got = read_at(fd_.get(), offset, bytes);
  if (!got || *got < bytes.size()) return std::nullopt;
  return parse_log_header(bytes, offset);
}

std::optional<SystemTime> LogFile::block_time(std::uint64_t offset) const {
  const auto header = header_at(offset);
  return header && header->late == 0 ? std::optional(time_of(*header)) : std::nullopt;
}

// The time of the last record that is not late.
Result<std::optional<SystemTime>> LogFile::latest_time() const {
  const std::uint64_t end = TRY(size());
  for (std::uint64_t block = (end + log_block_bytes - 1) / log_block_bytes; block-- > 0;) {
    std::optional<SystemTime> latest;
    const std::uint64_t block_end = std::min(end, (block + 1) * log_block_bytes);
    for (std::uint64_t at = block * log_block_bytes; at < block_end;) {
      const auto header = header_at(at);
      if (!header) break;
      if (header->late == 0) latest = time_of(*header);
      at += log_header_bytes + header->length;
    }
    if (latest) return latest;
  }
  return std::nullopt;
}

Result<> for_each_record(const std::string& file, const std::function<void(const LogRecord&)>& handler) {
  auto opened = TRY(LogFile::open(file));
  LogPosition at;
  if (opened) TRY(opened->read(at, handler));
  return {};
}

}  // namespace consort::supervisor
