#include "serve/http/websocket.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/detail/sha1.hpp>
#include <cerrno>

#include "base/base64.hpp"
#include "base/os/sockets/send_full.hpp"

namespace consort::serve::http {

using websocket::make_frame;
using websocket::Opcode;

namespace {

constexpr std::size_t block = std::size_t{32} << 10;

}  // namespace

std::string websocket_accept(std::string_view key) {
  constexpr std::string_view fixed = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  boost::beast::detail::sha1_context context;
  boost::beast::detail::init(context);
  boost::beast::detail::update(context, key.data(), key.size());
  boost::beast::detail::update(context, fixed.data(), fixed.size());
  std::string digest(boost::beast::detail::sha1_context::digest_size, '\0');
  boost::beast::detail::finish(context, digest.data());
  return base64_encode(digest);
}

Result<bool> WebSocketInput::begin_frame() {
  auto head = TRY(websocket::read_frame_head(waiting_, websocket::Sender::client));
  if (!head) return false;
  head_ = std::move(*head);
  left_ = head_.payload;
  waiting_.erase(0, head_.size);
  position_ = 0;
  control_.clear();
  in_frame_ = true;
  return true;
}

void WebSocketInput::take_payload(Taken& taken) {
  const std::size_t count = std::min<std::uint64_t>(left_, waiting_.size());
  std::string& into = websocket::is_control(head_.opcode) ? control_ : taken.bytes;
  for (std::size_t i = 0; i < count; ++i)
    into += static_cast<char>(waiting_[i] ^ head_.mask[position_++ % head_.mask.size()]);
  waiting_.erase(0, count);
  left_ -= count;
}

void WebSocketInput::end_frame(Taken& taken) {
  in_frame_ = false;
  if (head_.opcode == Opcode::ping) taken.reply += make_frame(Opcode::pong, control_);
  if (head_.opcode == Opcode::close) {
    taken.reply += make_frame(Opcode::close, control_);
    taken.closed = true;
  }
}

Result<WebSocketInput::Taken> WebSocketInput::feed(std::string_view bytes) {
  waiting_ += bytes;
  Taken taken;
  while (!taken.closed) {
    if (!in_frame_ && !TRY(begin_frame())) break;
    take_payload(taken);
    if (left_ > 0) break;
    end_frame(taken);
  }
  return taken;
}

// ---- the relay ------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<WebSocketRelay>> WebSocketRelay::begin(Connection::Raw client) {
  std::pair<Fd, Fd> pair = TRY(make_socket_pair(SOCK_STREAM));
  return std::unique_ptr<WebSocketRelay>(new WebSocketRelay(std::move(client), std::move(pair)));
}

WebSocketRelay::WebSocketRelay(Connection::Raw client, std::pair<Fd, Fd> pair)
    : client_(std::move(client.socket)),
      inner_(std::move(pair.first)),
      plain_(std::move(pair.second)),
      early_(std::move(client.early)),
      thread_([this] { run(); }) {}

WebSocketRelay::~WebSocketRelay() {
  plain_.reset();
  thread_.join();
}

bool WebSocketRelay::pass_in(std::string_view bytes) {
  auto taken = input_.feed(bytes);
  if (!taken) return false;
  pending_ += taken->bytes;
  push();
  return send_full(client_.get(), taken->reply) && !taken->closed;
}

// A process that does not read must not hold back what it writes.
void WebSocketRelay::push() {
  const ssize_t sent = ::send(inner_.get(), pending_.data(), pending_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (sent < 0)
    pending_.clear();  // nobody reads any more; what was written before is still to be carried
  else
    pending_.erase(0, static_cast<std::size_t>(sent));
}

bool WebSocketRelay::pass_out() {
  std::array<char, block> part;
  const ssize_t got = ::recv(inner_.get(), part.data(), part.size(), 0);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got == 0) {
    (void)send_full(client_.get(), make_frame(Opcode::close, std::string("\x03\xe8", 2)));  // 1000: as it should be
    return false;
  }
  const auto size = static_cast<std::size_t>(got);
  return send_full(client_.get(), make_frame(Opcode::binary, std::string_view(part.data(), size))).has_value();
}

void WebSocketRelay::run() {
  bool open = pass_in(std::exchange(early_, {}));
  while (open) {
    const bool full = !pending_.empty();
    std::array<pollfd, 2> fds{pollfd{full ? -1 : client_.get(), POLLIN, 0},
                              pollfd{inner_.get(), static_cast<short>(full ? POLLIN | POLLOUT : POLLIN), 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) break;
    if ((fds[1].revents & POLLOUT) != 0) push();
    if (open && (fds[1].revents & ~POLLOUT) != 0) open = pass_out();
    if (!open || fds[0].revents == 0) continue;
    std::array<char, block> part;
    const ssize_t got = ::recv(client_.get(), part.data(), part.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    open = got > 0 && pass_in(std::string_view(part.data(), static_cast<std::size_t>(got)));
  }
  ::shutdown(inner_.get(), SHUT_RDWR);
  ::shutdown(client_.get(), SHUT_RDWR);
}

}  // namespace consort::serve::http
