#include "serve/api/containers/hijack.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/os/sockets/send_full.hpp"

namespace consort::serve {

namespace {

void ring(const Fd& event) {
  const std::uint64_t once = 1;
  (void)!::write(event.get(), &once, sizeof once);
}

}  // namespace

std::string frame_head(StreamKind stream, std::size_t size) {
  std::string head(8, '\0');
  head[0] = static_cast<char>(stream);
  for (int i = 0; i < 4; ++i) head[4 + static_cast<std::size_t>(i)] = static_cast<char>((size >> (24 - 8 * i)) & 0xff);
  return head;
}

Result<> Hijacked::write(StreamKind stream, std::string_view bytes) {
  if (bytes.empty()) return {};
  if (framing_ == Framing::framed) TRY(send_full(fd(), frame_head(stream, bytes.size()), MSG_MORE));
  return send_full(fd(), bytes);
}

bool Hijacked::gone() const {
  pollfd state{fd(), 0, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

// Unread data from the client would turn the end of the connection into an error for it.
void Hijacked::finish() {
  ::shutdown(fd(), SHUT_RDWR);
  std::array<char, 4096> unwanted;
  while (::recv(fd(), unwanted.data(), unwanted.size(), MSG_DONTWAIT) > 0) {
  }
}

InputPump::InputPump(Hijacked& client, Ends ends, std::optional<DetachKeys> keys)
    : client_(client),
      ends_(std::move(ends)),
      keys_(std::move(keys)),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      left_(::eventfd(0, EFD_CLOEXEC)) {
  (void)set_nonblocking(ends_.target.get());
  thread_ = std::thread([this] { run(); });
}

InputPump::~InputPump() {
  ring(stop_);
  thread_.join();
}

void InputPump::leave() {
  detached_ = true;
  ring(left_);
}

bool InputPump::wait_for(int fd, short events) const {
  std::array<pollfd, 2> fds{pollfd{fd, events, 0}, pollfd{stop_.get(), POLLIN, 0}};
  while (::poll(fds.data(), fds.size(), -1) < 0)
    if (errno != EINTR) return false;
  return fds[1].revents == 0;
}

bool InputPump::pass_on(std::string text) {
  if (keys_) {
    auto filtered = keys_->feed(text);
    text = std::move(filtered.text);
    if (filtered.detached) {
      leave();
      return false;
    }
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(ends_.target.get(), rest.data(), rest.size());
    if (written > 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      if (!wait_for(ends_.target.get(), POLLOUT)) return false;
    } else if (errno != EINTR) {
      return false;  // the process has closed its input
    }
  }
  return true;
}

void InputPump::run() {
  if (std::string early = client_.take_early(); !early.empty() && !pass_on(std::move(early))) return;
  std::string buffer(std::size_t{32} << 10, '\0');
  while (wait_for(client_.fd(), POLLIN)) {
    const ssize_t got = ::recv(client_.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) {
      Fd target = std::move(ends_.target);  // closed here unless somebody wants it
      if (ends_.at_end) ends_.at_end(std::move(target));
      return;
    }
    if (!pass_on(buffer.substr(0, static_cast<std::size_t>(got)))) return;
  }
}

}  // namespace consort::serve
