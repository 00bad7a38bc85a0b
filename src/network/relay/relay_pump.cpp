#include "network/relay/relay_pump.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

namespace consort {

namespace {

constexpr std::size_t chunk_bytes = 64 * 1024;  // a pipe's usual capacity
constexpr int chunks_per_run = 16;

bool just_not_now(int number) {
  return number == EAGAIN || number == EINTR;
}

}  // namespace

Result<Pump> Pump::resume(int from, int to, Pipe pipe) {
  int held = 0;
  if (::ioctl(pipe.read.get(), FIONREAD, &held) != 0) return fail_errno("look into a pipe");
  Pump pump(from, to);
  pump.pipe_ = std::move(pipe);
  pump.pending_ = static_cast<std::size_t>(held);
  return pump;
}

Result<> Pump::ensure_pipe() {
  if (!pipe_.read) pipe_ = TRY(make_pipe(O_NONBLOCK));
  return {};
}

Pump::Outcome Pump::fill() {
  if (!ensure_pipe()) {  // out of descriptors: handled the same way by every caller
    ended_ = true;
    return Outcome::source_died;
  }
  const ssize_t got =
      ::splice(from_, nullptr, pipe_.write.get(), nullptr, chunk_bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (got < 0 && just_not_now(errno)) return Outcome::going;
  ended_ = got <= 0;
  if (got < 0) return Outcome::source_died;
  pending_ += static_cast<std::size_t>(got);
  return Outcome::going;
}

Pump::Outcome Pump::drain() {
  const ssize_t put = ::splice(pipe_.read.get(), nullptr, to_, nullptr, pending_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (put < 0) return just_not_now(errno) ? Outcome::going : Outcome::sink_died;
  pending_ -= static_cast<std::size_t>(put);
  return Outcome::going;
}

Pump::Outcome Pump::run() {
  for (int i = 0; i < chunks_per_run; ++i) {
    if (wants_read() && fill() == Outcome::source_died) return Outcome::source_died;
    if (pending_ == 0) break;
    if (drain() == Outcome::sink_died) return Outcome::sink_died;
    if (pending_ != 0) break;
  }
  if (over() && !shut_) {
    shut_ = true;
    ::shutdown(to_, SHUT_WR);
  }
  return Outcome::going;
}

void Pump::drop() {
  pending_ = 0;
  ended_ = true;
  shut_ = true;
  pipe_ = {};
}

}  // namespace consort
