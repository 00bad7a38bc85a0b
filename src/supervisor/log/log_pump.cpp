#include "supervisor/log/log_pump.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <utility>

namespace consort::supervisor {
namespace {

constexpr std::size_t terminal_chunk = 65536;
constexpr std::chrono::milliseconds hung_up_pause{100};
constexpr int most_moves_at_end = 256;  // each a page or more: a terminal holds less

}  // namespace

Result<std::unique_ptr<LogPump>> LogPump::open(EventLoop& loop, const LogUnit& unit) {
  LogWriter writer = TRY(LogWriter::open(unit));
  return std::unique_ptr<LogPump>(new LogPump(loop, std::move(writer)));
}

LogPump::~LogPump() {
  for (const auto& source : sources_) unwatch(*source);
}

void LogPump::unwatch(Source& source) {
  if (source.watch != 0) loop_.remove(std::exchange(source.watch, 0));
  if (source.pause != 0) loop_.cancel(std::exchange(source.pause, 0));
}

Result<> LogPump::watch(Source& source) {
  const int fd = source.master >= 0 ? source.master : source.pipe.get();
  source.watch = TRY(loop_.add(fd, EPOLLIN, [this, &source](std::uint32_t events) { on_readable(source, events); }));
  return {};
}

Result<> LogPump::add_pipe(Fd pipe, LogStream stream) {
  sources_.push_back(std::make_unique<Source>(Source{std::move(pipe), Fd(), -1, stream}));
  return watch(*sources_.back());
}

Result<> LogPump::add_terminal(int master, Pipe relay) {
  sources_.push_back(
      std::make_unique<Source>(Source{std::move(relay.read), std::move(relay.write), master, LogStream::out}));
  pump(*sources_.back());  // data that a predecessor left in the relay
  return watch(*sources_.back());
}

LogWriter::Pumped LogPump::pump(Source& source) {
  const auto pumped = writer_.pump(source.pipe.get(), source.stream);
  tell_trouble();
  if (pumped == LogWriter::Pumped::moved && on_moved_) on_moved_();
  if (pumped) return *pumped;
  std::fprintf(stderr, "consort-supervisor: %s\n", pumped.error().message().c_str());
  return LogWriter::Pumped::ended;
}

// Reports lost bytes each time their amount has doubled, because every call may lose more.
void LogPump::tell_trouble() {
  LogTrouble now = writer_.trouble();
  lost_ = std::max(lost_, now.lost_bytes);
  if (now.why == told_.why && now.lost_bytes / 2 < std::max<std::uint64_t>(told_.lost_bytes, 1)) return;
  told_ = now;
  if (now.lost_bytes == 0) now.lost_bytes = std::exchange(lost_, 0);
  if (on_trouble_) on_trouble_(now);
}

bool LogPump::move_from_terminal(Source& source) {
  ssize_t moved;
  do moved = ::splice(source.master, nullptr, source.relay_write.get(), nullptr, terminal_chunk, SPLICE_F_NONBLOCK);
  while (moved < 0 && errno == EINTR);
  return moved > 0;
}

void LogPump::on_readable(Source& source, std::uint32_t events) {
  if (source.master < 0) {
    if (pump(source) == LogWriter::Pumped::ended) unwatch(source);
    return;
  }
  if (move_from_terminal(source)) {
    while (pump(source) == LogWriter::Pumped::moved) {
    }
    return;
  }
  // A hang-up of a pty means that it is not open right now, but it may be opened again: check again in a while.
  if ((events & EPOLLHUP) == 0) return;
  unwatch(source);
  source.pause = loop_.after(hung_up_pause, [this, &source] {
    source.pause = 0;
    if (!watch(source)) std::fprintf(stderr, "consort-supervisor: cannot watch a terminal\n");
  });
}

void LogPump::take_what_is_there(Source& source) {
  int waiting = 0;
  if (::ioctl(source.pipe.get(), FIONREAD, &waiting) != 0) return;
  const std::uint64_t enough = writer_.taken() + static_cast<std::uint64_t>(waiting);
  while (writer_.taken() < enough && pump(source) == LogWriter::Pumped::moved) {
  }
}

void LogPump::drain() {
  for (const auto& source : sources_) {
    unwatch(*source);
    take_what_is_there(*source);
    for (int i = 0; source->master >= 0 && i < most_moves_at_end && move_from_terminal(*source); ++i)
      take_what_is_there(*source);
  }
  sources_.clear();
}

}  // namespace consort::supervisor
