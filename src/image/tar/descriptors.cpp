// Reading and writing descriptors that may be pipes with a slow other end.
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/os/loop/stop_event.hpp"
#include "base/os/patient_write.hpp"
#include "image/layer_tar.hpp"

namespace consort::image {

namespace {

Result<> wait_for(int fd, short events, const StopEvent& stop) {
  std::array<pollfd, 2> waits{pollfd{fd, events, 0}, pollfd{stop.fd(), POLLIN, 0}};
  while (::poll(waits.data(), waits.size(), -1) < 0)
    if (errno != EINTR) return fail_errno("wait for input or output");
  if (waits[1].revents) return fail(Code::interrupted, "wait for input or output");
  return {};
}

bool is_regular(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

ByteSource source_of_fd(int fd, const std::stop_token& cancel) {
  if (!cancel.stop_possible()) return [fd](std::span<std::byte> into) { return read_some(fd, into); };
  auto stop = StopEvent::of(cancel);
  if (!stop) return [](std::span<std::byte>) -> Result<std::size_t> { return fail(Code::io, "prepare reading"); };
  return [fd, event = std::make_shared<StopEvent>(std::move(*stop))](std::span<std::byte> into) -> Result<std::size_t> {
    TRY(wait_for(fd, POLLIN, *event));
    return read_some(fd, into);
  };
}

ByteSink sink_of_fd(int fd, const std::stop_token& cancel) {
  if (!cancel.stop_possible() || is_regular(fd))
    return [fd](std::span<const std::byte> bytes) { return write_patiently(fd, bytes); };
  auto stop = StopEvent::of(cancel);
  if (!stop) return [](std::span<const std::byte>) -> Result<> { return fail(Code::io, "prepare writing"); };
  return [fd, event = std::make_shared<StopEvent>(std::move(*stop))](std::span<const std::byte> bytes) -> Result<> {
    while (!bytes.empty()) {
      TRY(wait_for(fd, POLLOUT, *event));
      // As much as a writable pipe accepts without blocking.
      const auto part = bytes.first(std::min<std::size_t>(bytes.size(), PIPE_BUF));
      TRY(write_patiently(fd, part));
      bytes = bytes.subspan(part.size());
    }
    return {};
  };
}

}  // namespace consort::image
