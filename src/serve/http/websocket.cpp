#include "serve/http/websocket.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/detail/sha1.hpp>
#include <cerrno>

#include "base/base64.hpp"

namespace consort::serve::http {

namespace {

constexpr std::size_t longest_control = 125;
constexpr std::size_t block = std::size_t{32} << 10;

bool is_control(Opcode opcode) {
  return static_cast<unsigned>(opcode) >= static_cast<unsigned>(Opcode::close);
}

bool is_known(unsigned opcode) {
  return opcode <= static_cast<unsigned>(Opcode::binary) ||
         (opcode >= static_cast<unsigned>(Opcode::close) && opcode <= static_cast<unsigned>(Opcode::pong));
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

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

std::string websocket_frame(Opcode opcode, std::string_view payload) {
  constexpr std::size_t most_in_a_byte = 125, most_in_two = 0xffff;
  std::string frame(1, static_cast<char>(0x80U | static_cast<unsigned>(opcode)));
  std::size_t digits = 0;
  if (payload.size() <= most_in_a_byte) {
    frame += static_cast<char>(payload.size());
  } else {
    digits = payload.size() <= most_in_two ? 2 : 8;
    frame += static_cast<char>(digits == 2 ? 126 : 127);
  }
  for (std::size_t i = digits; i-- > 0;) frame += static_cast<char>(payload.size() >> (8 * i) & 0xff);
  return frame.append(payload);
}

// Two bytes, a longer length if there is one, and the mask, which a client's frames must have.
Result<bool> WebSocketInput::begin_frame() {
  constexpr std::size_t mask_size = 4;
  if (waiting_.size() < 2) return false;
  const auto first = static_cast<unsigned char>(waiting_[0]), second = static_cast<unsigned char>(waiting_[1]);
  if ((first & 0x70U) != 0 || !is_known(first & 0x0fU) || (second & 0x80U) == 0)
    return fail(Code::invalid, "malformed frame of a websocket");
  const unsigned length = second & 0x7fU;
  const std::size_t digits = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (waiting_.size() < 2 + digits + mask_size) return false;
  opcode_ = static_cast<Opcode>(first & 0x0fU);
  left_ = digits == 0 ? length : big_endian(std::string_view(waiting_).substr(2, digits));
  if (is_control(opcode_) && (left_ > longest_control || (first & 0x80U) == 0))
    return fail(Code::invalid, "malformed frame of a websocket");
  mask_ = waiting_.substr(2 + digits, mask_size);
  waiting_.erase(0, 2 + digits + mask_size);
  position_ = 0;
  control_.clear();
  in_frame_ = true;
  return true;
}

void WebSocketInput::take_payload(Taken& taken) {
  const std::size_t count = std::min<std::uint64_t>(left_, waiting_.size());
  std::string& into = is_control(opcode_) ? control_ : taken.bytes;
  for (std::size_t i = 0; i < count; ++i) into += static_cast<char>(waiting_[i] ^ mask_[position_++ % mask_.size()]);
  waiting_.erase(0, count);
  left_ -= count;
}

void WebSocketInput::end_frame(Taken& taken) {
  in_frame_ = false;
  if (opcode_ == Opcode::ping) taken.reply += websocket_frame(Opcode::pong, control_);
  if (opcode_ == Opcode::close) {
    taken.reply += websocket_frame(Opcode::close, control_);
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
  return send_all(client_.get(), taken->reply) && !taken->closed;
}

// A process that does not read must not keep back what it writes.
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
    (void)send_all(client_.get(), websocket_frame(Opcode::close, std::string("\x03\xe8", 2)));  // 1000: as it should be
    return false;
  }
  return send_all(client_.get(),
                  websocket_frame(Opcode::binary, std::string_view(part.data(), static_cast<std::size_t>(got))));
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
