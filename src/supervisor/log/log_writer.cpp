#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <ranges>

#include "base/os/files/file.hpp"
#include "supervisor/log.hpp"
#include "supervisor/log/log_file.hpp"
#include "supervisor/log/log_format.hpp"

namespace consort::supervisor {
namespace {

bool out_of_room(int number) {
  return number == ENOSPC || number == EDQUOT || number == EFBIG || number == EIO;
}

bool write_at(int file, std::uint64_t offset, const void* bytes, std::size_t size) {
  ssize_t put;
  do put = ::pwrite(file, bytes, size, static_cast<off_t>(offset));
  while (put < 0 && errno == EINTR);
  return put == static_cast<ssize_t>(size);
}

// The position of the next record, after repairing the last block of the file. A record shorter than its header says
// was left by a killed writer; anything else that is not a record is skipped with the rest of its block.
Result<std::uint64_t> repair_end(int file, const std::string& path) {
  const off_t size = ::lseek(file, 0, SEEK_END);
  if (size < 0) return fail_errno("seek in", path);
  const auto end = static_cast<std::uint64_t>(size);
  std::uint64_t offset = end / log_block_bytes * log_block_bytes;
  while (offset < end) {
    if (room_in_block(offset) == 0) return end;
    std::array<char, log_header_bytes> bytes;
    const ssize_t got = ::pread(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0) return fail_errno("read", path);
    const bool torn = got < static_cast<ssize_t>(bytes.size()) || end - offset == log_header_bytes;
    if (torn) {
      if (::ftruncate(file, static_cast<off_t>(offset)) != 0) return fail_errno("cut", path);
      return offset;
    }
    auto header = parse_log_header(bytes, offset);
    if (!header) return next_block(offset);
    const std::uint64_t there = end - offset - log_header_bytes;
    if (there < header->length) {
      header->length = static_cast<std::uint32_t>(there);
      if (!write_at(file, offset, &*header, sizeof *header)) return fail_errno("repair", path);
      return end;
    }
    offset += log_header_bytes + header->length;
  }
  return end;
}

// The default: no time is known, or there is no log yet.
SystemTime latest_time_of(const std::string& path) {
  std::vector<std::string> names = log_file_names(path);
  for (const std::string& name : names | std::views::reverse) {
    const auto file = LogFile::open(name);
    if (!file || !*file) continue;
    if (const auto latest = (*file)->latest_time(); latest && *latest) return **latest;
  }
  return {};
}

}  // namespace

Result<LogWriter> LogWriter::open(const LogUnit& unit) {
  LogWriter writer(unit);
  if (unit.disabled && is_log_held(unit.path)) {
    writer.only_for_reader_ = true;
    writer.unit_.disabled = false;
    writer.unit_.max_size = 1;
    writer.unit_.max_file = 1;
  }
  if (writer.unit_.disabled) return writer;
  TRY(writer.open_current());
  writer.latest_ = latest_time_of(unit.path);
  return writer;
}

Result<> LogWriter::open_current() {
  file_ = TRY_WRAP(open_file(unit_.path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600), "open log");
  end_ = TRY_WRAP(repair_end(file_.get(), unit_.path), "repair log");
  return {};
}

// The current file becomes .1, .1 becomes .2, and so on; the oldest are deleted unless a reader still holds them.
Result<> LogWriter::rotate() {
  const std::vector<std::string> names = log_file_names(unit_.path);
  std::size_t kept = names.size();
  for (const std::string& oldest : names) {
    if (kept < std::max(unit_.max_file, 1U) || is_log_held(oldest)) break;
    TRY(remove_file(oldest));
    --kept;
  }
  if (kept == 0 && only_for_reader_) unit_.disabled = true;  // the reader that held it has gone
  if (unit_.disabled) return {};
  const auto numbered = [this](std::size_t number) {
    return number == 0 ? unit_.path : unit_.path + "." + std::to_string(number);
  };
  std::size_t free = path_exists(unit_.path) ? 1 : 0;
  while (free > 0 && path_exists(numbered(free))) ++free;
  for (; free > 0; --free) TRY(rename_path(numbered(free - 1), numbered(free)));
  return open_current();
}

// A held log may exceed its limit. Its files are then longer, because every one is renamed at each rotation.
std::uint64_t LogWriter::longest_file() const {
  constexpr std::uint64_t while_held = std::uint64_t{8} << 20;
  if (unit_.max_size == 0 || end_ < unit_.max_size || end_ >= while_held) return unit_.max_size;
  return is_log_held(log_file_names(unit_.path).front()) ? while_held : unit_.max_size;
}

Result<> LogWriter::begin_record(std::size_t bytes, LogStream stream) {
  const SystemTime now = system_now();
  const LogHeader header{.time_ns = now.time_since_epoch().count(),
                         .length = static_cast<std::uint32_t>(bytes),
                         .stream = static_cast<std::uint8_t>(stream),
                         .late = static_cast<std::uint8_t>(now < latest_ ? 1 : 0)};
  latest_ = std::max(latest_, now);
  if (!write_at(file_.get(), end_, &header, sizeof header)) return fail_errno("write log", unit_.path);
  return {};
}

Result<LogWriter::Pumped> LogWriter::drop(int pipe, std::size_t bytes) {
  std::array<std::byte, 16384> buffer;
  while (bytes > 0) {
    const auto got = read_some(pipe, std::span(buffer).first(std::min(bytes, buffer.size())));
    if (!got && got.error().sys_errno() == EAGAIN) return Pumped::empty;  // the container can read its own pipe, too
    if (!got) return fail(errno_error(got.error().sys_errno(), "read the container's output"));
    if (*got == 0) return Pumped::ended;
    bytes -= *got;
    taken_ += *got;
    if (!unit_.disabled) lost_ += *got;
  }
  return Pumped::moved;
}

LogTrouble LogWriter::trouble() const {
  if (lost_ == 0) return {rotation_trouble_, 0};
  return {trouble_.empty() ? errno_text(ENOSPC) : trouble_, lost_};
}

Result<> LogWriter::tell_loss() {
  const std::string text = "consort: " + std::to_string(lost_) + " bytes of this log are lost: " + trouble().why + "\n";
  if (room_in_block(end_) < text.size()) end_ = next_block(end_);
  TRY(begin_record(text.size(), LogStream::err));
  if (!write_at(file_.get(), end_ + log_header_bytes, text.data(), text.size()))
    return fail_errno("write log", unit_.path);
  end_ += log_header_bytes + text.size();
  lost_ = 0;
  trouble_.clear();
  return {};
}

Result<LogWriter::Pumped> LogWriter::pump(int pipe, LogStream stream) {
  int waiting = 0;
  if (::ioctl(pipe, FIONREAD, &waiting) != 0) return fail_errno("look into pipe");
  if (waiting == 0) {
    pollfd state{pipe, POLLIN, 0};
    ::poll(&state, 1, 0);
    if (state.revents == 0) return Pumped::empty;
    if ((state.revents & POLLIN) == 0) return Pumped::ended;
    // Either data was written between the two calls or, before Linux 6.15, a write() from a bad address left an empty
    // buffer that stays in the way until something is read.
    waiting = PIPE_BUF;
  }
  const auto wanted = static_cast<std::size_t>(waiting);
  if (unit_.disabled) return drop(pipe, wanted);
  auto kept = keep(pipe, stream, wanted);
  if (kept) return kept;
  // Whatever the reason: a container must not hang because its log cannot be written.
  trouble_ = kept.error().message();
  return drop(pipe, wanted);
}

Result<LogWriter::Pumped> LogWriter::keep(int pipe, LogStream stream, std::size_t wanted) {
  // A failed rotation is retried with the next bytes; these are written to the current file.
  if (const std::uint64_t longest = longest_file(); longest > 0 && end_ >= longest) {
    const Result<> rotated = rotate();
    rotation_trouble_ = rotated ? std::string() : rotated.error().message();
  }
  if (unit_.disabled) return drop(pipe, wanted);
  const auto cut_back = [&] { return ::ftruncate(file_.get(), static_cast<off_t>(end_)) == 0; };
  if (lost_ > 0 && !tell_loss()) {
    cut_back();
    return drop(pipe, wanted);
  }
  if (room_in_block(end_) == 0) end_ = next_block(end_);
  wanted = std::min<std::size_t>(wanted, room_in_block(end_));

  if (!begin_record(wanted, stream)) {
    cut_back();
    return drop(pipe, wanted);
  }
  std::size_t moved = 0;
  while (moved < wanted) {
    loff_t offset = static_cast<loff_t>(end_ + log_header_bytes + moved);
    const ssize_t put =
        ::splice(pipe, nullptr, file_.get(), &offset, wanted - moved, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (put < 0 && errno == EINTR) continue;
    if (put > 0) {
      moved += static_cast<std::size_t>(put);
      taken_ += static_cast<std::size_t>(put);
      continue;
    }
    const int number = put == 0 ? EAGAIN : errno;
    if (moved == 0) {
      cut_back();
      if (out_of_room(number)) return drop(pipe, wanted);
      if (number == EAGAIN) return Pumped::empty;
      return fail_errno(number, "write log", unit_.path);
    }
    TRY(begin_record(moved, stream));  // the header again, with the actual length
    break;
  }
  end_ += log_header_bytes + moved;
  return Pumped::moved;
}

}  // namespace consort::supervisor
