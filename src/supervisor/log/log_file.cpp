#include "supervisor/log/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/os/file.hpp"
#include "supervisor/log/log_format.hpp"

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

std::vector<std::string> log_file_names(const std::string& path) {
  std::vector<std::string> names{path};
  // A rotation that is under way leaves a gap of one.
  for (unsigned i = 1, missing = 0; missing < 2; ++i) {
    const std::string name = path + "." + std::to_string(i);
    missing = path_exists(name) ? 0 : missing + 1;
    if (missing == 0) names.push_back(name);
  }
  std::ranges::reverse(names);
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

Result<std::uint64_t> LogFile::size() const {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return fail_errno("look at log");
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::uint64_t> LogFile::read_block(std::uint64_t offset, Tail tail, const RecordHandler& handler) {
  const std::uint64_t end = next_block(offset);
  const auto room = static_cast<std::size_t>(end - offset);
  const auto buffer = std::make_unique_for_overwrite<char[]>(room);
  const std::size_t got = TRY(read_at(fd_.get(), offset, {buffer.get(), room}));
  std::size_t at = 0;
  while (true) {
    const std::span<const char> left(buffer.get() + at, got - at);
    const bool full = at > 0 && (offset + at) % log_block_bytes == 0;
    if (full || room_in_block(offset + at) == 0) return end;
    if (left.size() < log_header_bytes) return got == room ? end : offset + at;
    const auto header = parse_log_header(left, offset + at);
    if (!header) return got == room ? end : offset + at;
    std::size_t length = header->length;
    const std::size_t there = left.size() - log_header_bytes;
    if (there < length) {
      if (tail == Tail::wait || there == 0) return offset + at;
      length = there;
    }
    handler(LogRecord{time_of(*header), static_cast<LogStream>(header->stream),
                      std::string_view(left.data() + log_header_bytes, length)});
    at += log_header_bytes + length;
  }
}

Result<std::uint64_t> LogFile::read(std::uint64_t offset, Tail tail, const RecordHandler& handler) {
  while (true) {
    const std::uint64_t next = TRY(read_block(offset, tail, handler));
    if (next == offset) return offset;
    offset = next;
    if (offset >= TRY(size())) return offset;
  }
}

std::optional<SystemTime> LogFile::block_time(std::uint64_t offset) {
  std::array<char, log_header_bytes> bytes;
  const auto got = read_at(fd_.get(), offset, bytes);
  if (!got || *got < bytes.size()) return std::nullopt;
  const auto header = parse_log_header(bytes, offset);
  return header ? std::optional(time_of(*header)) : std::nullopt;
}

Result<> for_each_record(const std::string& file, const std::function<void(const LogRecord&)>& handler) {
  auto opened = TRY(LogFile::open(file));
  if (opened) (void)TRY(opened->read(0, LogFile::Tail::take, handler));
  return {};
}

}  // namespace consort::supervisor
