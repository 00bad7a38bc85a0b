#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/os/file.hpp"
#include "supervisor/log.hpp"
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

// Where the next record goes, after the last block of the file was made sound again. A record shorter than its header
// says is what a killed writer leaves; anything else that is no record is skipped with the rest of its block.
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

}  // namespace

Result<LogWriter> LogWriter::open(const LogUnit& unit) {
  LogWriter writer(unit);
  if (!unit.disabled) TRY(writer.open_current());
  return writer;
}

Result<> LogWriter::open_current() {
  file_ = TRY_WRAP(open_file(unit_.path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600), "open log");
  end_ = TRY_WRAP(repair_end(file_.get(), unit_.path), "repair log");
  return {};
}

// The current file becomes .1, .1 becomes .2, and so on; the oldest goes.
Result<> LogWriter::rotate() {
  if (unit_.max_file <= 1) {
    TRY(remove_file(unit_.path));
  } else {
    TRY(remove_file(unit_.path + "." + std::to_string(unit_.max_file - 1)));
    for (unsigned i = unit_.max_file - 1; i > 0; --i) {
      const std::string from = i == 1 ? unit_.path : unit_.path + "." + std::to_string(i - 1);
      if (path_exists(from)) TRY(rename_path(from, unit_.path + "." + std::to_string(i)));
    }
  }
  return open_current();
}

Result<> LogWriter::begin_record(std::size_t bytes, LogStream stream) {
  const LogHeader header{system_now().time_since_epoch().count(), static_cast<std::uint32_t>(bytes),
                         static_cast<std::uint8_t>(stream)};
  if (!write_at(file_.get(), end_, &header, sizeof header)) return fail_errno("write log", unit_.path);
  return {};
}

Result<LogWriter::Pumped> LogWriter::drop(int pipe, std::size_t bytes) {
  std::array<std::byte, 16384> buffer;
  while (bytes > 0) {
    const std::size_t got = TRY(read_some(pipe, std::span(buffer).first(std::min(bytes, buffer.size()))));
    if (got == 0) return Pumped::ended;
    bytes -= got;
    if (!unit_.disabled) lost_ += got;
  }
  return Pumped::moved;
}

Result<> LogWriter::tell_loss() {
  const std::string text =
      "consort: " + std::to_string(lost_) + " bytes of this log are lost: no space left on device\n";
  if (room_in_block(end_) < text.size()) end_ = next_block(end_);
  TRY(begin_record(text.size(), LogStream::err));
  if (!write_at(file_.get(), end_ + log_header_bytes, text.data(), text.size()))
    return fail_errno("write log", unit_.path);
  end_ += log_header_bytes + text.size();
  lost_ = 0;
  return {};
}

Result<LogWriter::Pumped> LogWriter::pump(int pipe, LogStream stream) {
  int waiting = 0;
  if (::ioctl(pipe, FIONREAD, &waiting) != 0) return fail_errno("look into pipe");
  if (waiting == 0) {
    pollfd state{pipe, POLLIN, 0};
    ::poll(&state, 1, 0);
    if (state.revents & POLLIN) return pump(pipe, stream);  // written between the two calls
    return state.revents & (POLLHUP | POLLERR) ? Pumped::ended : Pumped::empty;
  }
  auto wanted = static_cast<std::size_t>(waiting);
  if (unit_.disabled) return drop(pipe, wanted);
  if (unit_.max_size > 0 && end_ >= unit_.max_size) TRY_WRAP(rotate(), "rotate log", unit_.path);
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
      continue;
    }
    const int number = put == 0 ? EAGAIN : errno;
    if (moved == 0) {
      cut_back();
      if (out_of_room(number)) return drop(pipe, wanted);
      if (number == EAGAIN) return Pumped::empty;
      return fail_errno(number, "write log", unit_.path);
    }
    TRY(begin_record(moved, stream));  // the header again, with what really came
    break;
  }
  end_ += log_header_bytes + moved;
  return Pumped::moved;
}

}  // namespace consort::supervisor
