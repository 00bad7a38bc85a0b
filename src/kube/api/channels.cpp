#include "kube/channels.hpp"

#include <openssl/evp.h>
#include <poll.h>
#include <sys/random.h>

#include <array>
#include <cerrno>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "kube/api/failure.hpp"

namespace consort::kube {

namespace {

constexpr std::size_t longest_answer = 64 * 1024;

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  // getrandom() never returns less than requested for up to 256 bytes.
  [[maybe_unused]] const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
  return bytes;
}

// The server proves with this value that it speaks WebSocket (RFC 6455, 4.2.2).
std::string accept_key(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return base64_encode(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

std::string header_of(std::string_view answer, std::string_view name) {
  for (const std::string& line : split(answer, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && to_lower(line.substr(0, colon)) == name)
      return std::string(trim(std::string_view(line).substr(colon + 1)));
  }
  return "";
}

Result<> wait_readable(int fd) {
  pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
  while (::poll(&wait, 1, -1) < 0)
    if (errno != EINTR) return fail_errno("wait for the server");
  return {};
}

// Appends the received data. Returns false at the end of the stream.
Result<bool> read_more(image::Connection& connection, std::string& into) {
  std::array<std::byte, 4096> buffer;
  const auto got = TRY(connection.read(buffer));
  if (!got) {
    TRY(wait_readable(connection.fd()));
    return true;
  }
  into.append(reinterpret_cast<const char*>(buffer.data()), *got);
  return *got > 0;
}

}  // namespace

Result<Channels> Channels::greet(image::Connection connection, const std::string& head) {
  const std::string key = base64_encode(random_bytes(16));
  TRY(connection.write(
      head + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key +
      "\r\nSec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io\r\n\r\n"));
  std::string answer;
  std::size_t end = std::string::npos;
  while ((end = answer.find("\r\n\r\n")) == std::string::npos) {
    if (answer.size() > longest_answer || !TRY(read_more(connection, answer)))
      return fail(Error(Code::io, "open a WebSocket").why("the server has closed the connection"));
  }
  const std::string headers = answer.substr(0, end);
  std::string rest = answer.substr(end + 4);
  const auto code = parse_unsigned(headers.substr(std::min(headers.size(), headers.find(' ') + 1), 3)).value_or(0);
  if (code != 101) {
    const std::uint64_t length = parse_unsigned(header_of(headers, "content-length")).value_or(0);
    while (rest.size() < std::min<std::uint64_t>(length, longest_answer) && TRY(read_more(connection, rest))) continue;
    return fail(failure_of(static_cast<int>(code), rest));
  }
  if (header_of(headers, "sec-websocket-accept") != accept_key(key))
    return fail(Error(Code::io, "open a WebSocket").why("the server does not speak it"));
  Channels made(std::move(connection));
  made.knows_ends_ = header_of(headers, "sec-websocket-protocol").starts_with("v5");
  made.frames_.feed(rest);
  return made;
}

short Channels::events() const {
  return static_cast<short>(busy() ? POLLIN | POLLOUT : POLLIN);
}

Result<> Channels::push(std::string frame) {
  unsent_ += frame;
  unsent_.erase(0, TRY(connection_.write_some(unsent_)));
  return {};
}

Result<> Channels::take(std::vector<Message>& into) {
  while (auto frame = TRY(frames_.next())) {
    switch (frame->kind) {
      case FrameReader::Kind::closed:
        closed_ = true;
        return {};
      case FrameReader::Kind::ping:
        TRY(push(websocket::make_frame(websocket::Opcode::pong, frame->payload, 0)));
        break;
      case FrameReader::Kind::message:
        if (frame->payload.empty()) break;
        into.push_back({static_cast<std::uint8_t>(frame->payload[0]), frame->payload.substr(1)});
        break;
    }
  }
  return {};
}

Result<std::vector<Channels::Message>> Channels::receive() {
  std::vector<Message> messages;
  if (busy()) TRY(push({}));
  TRY(take(messages));
  std::array<std::byte, 32 * 1024> buffer;
  while (!closed_) {
    const auto got = TRY(connection_.read(buffer));
    if (!got) break;
    if (*got == 0) closed_ = true;
    frames_.feed(std::string_view(reinterpret_cast<const char*>(buffer.data()), *got));
    TRY(take(messages));
  }
  return messages;
}

Result<> Channels::send(std::uint8_t channel, std::string_view payload) {
  std::string message(1, static_cast<char>(channel));
  if (counted_ && channel == input) message += std::to_string(payload.size()) + "\n";
  message += payload;
  const std::string mask = random_bytes(4);
  std::uint32_t number = 0;
  for (const char byte : mask) number = number << 8 | static_cast<unsigned char>(byte);
  return push(websocket::make_frame(websocket::Opcode::binary, message, number));
}

Result<> Channels::finish(std::uint8_t channel) {
  constexpr std::uint8_t close_signal = 255;
  if (counted_ && channel == input) return send(channel, "");
  if (!knows_ends_) return {};
  return send(close_signal, std::string(1, static_cast<char>(channel)));
}

Result<int> exit_code_of(std::string_view status) {
  const Json value = TRY(parse_json(status, "status of the command"));
  if (get_string(value, "status") == "Success") return 0;
  if (get_string(value, "reason") == "NonZeroExitCode")
    if (const Json* details = find_key(value, "details"))
      if (const Json* causes = find_key(*details, "causes"); causes && causes->is_array())
        for (const Json& cause : *causes)
          if (get_string(cause, "reason") == "ExitCode")
            return static_cast<int>(parse_unsigned(get_string(cause, "message")).value_or(1) & 0xFF);
  return fail(Error(Code::io, "run the command").why(get_string(value, "message", "the server does not say why")));
}

}  // namespace consort::kube
