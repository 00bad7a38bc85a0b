#include "serve/http/connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/limit_text.hpp"
#include "base/strings.hpp"

namespace consort::serve::http {

namespace {

constexpr std::size_t read_size = std::size_t{32} << 10;
constexpr std::size_t skip_limit = std::size_t{1} << 20;  // of a body that nobody wanted

Result<bool> wait_readable(int fd, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd ready{fd, POLLIN, 0};
    const int count = ::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (count > 0) return true;
    if (count == 0) return false;
    if (errno != EINTR) return fail_errno("poll");
  }
}

}  // namespace

Result<std::size_t> Connection::fill(std::chrono::milliseconds patience) {
  if (!TRY(wait_readable(socket_.get(), patience))) return std::size_t{0};
  const std::size_t before = buffer_.size();
  buffer_.resize(before + read_size);
  auto got = read_some(socket_.get(), std::as_writable_bytes(std::span(buffer_).subspan(before)));
  buffer_.resize(before + got.value_or(0));
  return got;
}

Result<> Connection::step() {
  if (!parser_) return fail(Code::invalid, "read request: none has begun");
  const std::size_t taken = TRY(parser_->feed(buffer_, [this](std::string_view bytes) { body_ += bytes; }));
  buffer_.erase(0, taken);
  return {};
}

Result<> Connection::skip_body() {
  std::array<char, 4096> scrap;
  std::size_t skipped = 0;
  expects_continue_ = false;
  while (const std::size_t got = TRY(read_body(scrap)))
    if ((skipped += got) > skip_limit) return fail(Code::io, "read request: its body was not wanted");
  return {};
}

Result<std::optional<Request>> Connection::next() {
  // A client that does not send its body to the end cannot send another request.
  if (parser_ && !skip_body()) return std::nullopt;
  parser_.emplace();
  body_.clear();
  body_read_ = 0;
  body_until_.reset();
  if (buffer_.empty() && TRY(fill(patience_.idle)) == 0) return std::nullopt;
  const auto until = std::chrono::steady_clock::now() + patience_.head;
  while (true) {
    TRY(step());
    if (parser_->has_head()) break;
    if (buffer_.size() > head_limit) return fail(Code::invalid, "malformed HTTP request: the head is too large");
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0 || TRY(fill(left)) == 0) return std::nullopt;
  }
  Request request = parser_->take_request();
  // A body whose end a proxy before us might see elsewhere than we do.
  if (const std::string coding = to_lower(request.header("transfer-encoding")); !coding.empty() && coding != "chunked")
    return fail(Code::invalid, "malformed HTTP request: Transfer-Encoding is not chunked");
  expects_continue_ = request.has_body && request.header_has("expect", "100-continue");
  return std::optional(std::move(request));
}

std::chrono::milliseconds Connection::body_patience() const {
  if (!body_until_) return patience_.body;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*body_until_ - std::chrono::steady_clock::now());
  return std::min(patience_.body, left);
}

Result<std::size_t> Connection::read_body(std::span<char> into) {
  const RequestParser* const parser = parser_ ? &*parser_ : nullptr;
  if (!parser) return std::size_t{0};
  while (body_read_ == body_.size()) {
    body_.clear();
    body_read_ = 0;
    if (parser->done()) return std::size_t{0};
    if (!buffer_.empty()) {
      const std::size_t before = buffer_.size();
      TRY(step());
      if (!body_.empty() || parser->done()) continue;
      if (buffer_.size() < before) continue;
    } else if (expects_continue_) {
      TRY(write("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    expects_continue_ = false;
    if (buffer_.size() > head_limit) return fail(Code::invalid, "malformed HTTP request: chunk");
    const auto patience = body_patience();
    if (patience.count() <= 0 || TRY(fill(patience)) == 0)
      return fail(Code::io, "read request: its body has broken off");
  }
  const std::size_t count = std::min(into.size(), body_.size() - body_read_);
  std::memcpy(into.data(), body_.data() + body_read_, count);
  body_read_ += count;
  return count;
}

Result<std::string> Connection::read_body(std::size_t limit, const Keep& keep) {
  std::string whole;
  std::array<char, 16384> part;
  body_until_ = std::chrono::steady_clock::now() + patience_.whole;
  while (const std::size_t got = TRY(read_body(part))) {
    if (whole.size() + got > limit)
      return fail(Code::invalid, "the request's body is larger than " + limit_text(limit));
    if (keep) TRY(keep(got));
    whole.append(part.data(), got);
  }
  return whole;
}

Result<> Connection::write(std::string_view bytes) {
  return write(bytes, {}, {});
}

Result<> Connection::write(std::string_view first, std::string_view second, std::string_view third) {
  std::array<iovec, 3> parts;
  std::size_t count = 0;
  for (const std::string_view part : {first, second, third})
    if (!part.empty()) parts[count++] = {const_cast<char*>(part.data()), part.size()};  // NOLINT: only read
  std::size_t begin = 0;
  while (begin < count) {
    msghdr message{};
    message.msg_iov = &parts[begin];
    message.msg_iovlen = count - begin;
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail_errno("write answer");
    auto left = static_cast<std::size_t>(sent);
    while (begin < count && left >= parts[begin].iov_len) left -= parts[begin++].iov_len;
    if (begin < count) {
      parts[begin].iov_base = static_cast<char*>(parts[begin].iov_base) + left;
      parts[begin].iov_len -= left;
    }
  }
  return {};
}

bool Connection::gone() const {
  pollfd state{socket_.get(), 0, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

Result<Connection::Raw> Connection::release() {
  Raw raw{.socket = TRY(duplicate(socket_.get())), .early = std::move(body_)};
  released_ = true;
  raw.early.erase(0, body_read_);
  raw.early += buffer_;
  return raw;
}

}  // namespace consort::serve::http
