// Watches the descriptor that cancels a build.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/os/fd.hpp"

namespace consort::build {

// Requests a stop when the caller's descriptor (borrowed) becomes readable. A negative descriptor never does.
class CancelWatch {
 public:
  CancelWatch(int cancel_fd, std::stop_source stop) {
    if (cancel_fd < 0) return;
    done_.reset(::eventfd(0, EFD_CLOEXEC));
    thread_ = std::jthread([cancel_fd, stop = std::move(stop), done = done_.get()]() mutable {
      pollfd waits[2] = {{cancel_fd, POLLIN, 0}, {done, POLLIN, 0}};
      while (::poll(waits, 2, -1) < 0 && errno == EINTR) {
      }
      if (waits[0].revents != 0) stop.request_stop();
    });
  }
  ~CancelWatch() {
    const std::uint64_t one = 1;
    if (done_ && ::write(done_.get(), &one, sizeof one) < 0) std::abort();  // writing to our own eventfd cannot fail
  }

 private:
  Fd done_;
  std::jthread thread_;  // ends before done_ is closed
};

}  // namespace consort::build
