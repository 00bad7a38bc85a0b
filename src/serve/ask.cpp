#include "serve/ask.hpp"

#include <sys/socket.h>

#include <thread>

#include "base/json.hpp"
#include "base/os/fd.hpp"
#include "base/strings.hpp"
#include "serve/api/router.hpp"
#include "serve/api/service.hpp"
#include "serve/http/connection.hpp"

namespace consort::serve {

namespace {

constexpr std::size_t read_size = std::size_t{64} << 10;

std::string text_of(const Question& question) {
  std::string text = std::string(question.method) + " " + question.target + " HTTP/1.0\r\nHost: consort\r\n";
  if (!question.body.empty())
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(question.body.size()) + "\r\n";
  return text + "\r\n" + question.body;
}

Result<std::string> read_to_end(int fd) {
  std::string whole;
  while (true) {
    const std::size_t before = whole.size();
    whole.resize(before + read_size);
    const std::size_t got = TRY(read_some(fd, std::as_writable_bytes(std::span(whole).subspan(before))));
    whole.resize(before + got);
    if (got == 0) return whole;
  }
}

// Both ends are ours, so a request that does not fit into the socket's buffer must not wait for itself.
Result<> answer_one(Service& service, Fd socket) {
  http::Connection connection(std::move(socket));
  const auto request = TRY(connection.next());
  if (!request) return fail(Code::internal, "ask: no request");
  return answer(service, connection, *request);
}

}  // namespace

std::string percent_encode(std::string_view text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (plain.contains(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

Api::Api(const Roots& roots) : service_(std::make_unique<Service>(roots, ServerOptions{})) {}
Api::~Api() = default;

Result<std::string> Api::ask(const Question& question) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("make a pair of sockets");
  Fd mine(ends[0]), theirs(ends[1]);
  Result<> answered;
  std::jthread thread(
      [&, socket = std::move(theirs)]() mutable { answered = answer_one(*service_, std::move(socket)); });
  Result<> written = write_full(mine.get(), text_of(question));
  Result<std::string> whole = written ? read_to_end(mine.get()) : std::unexpected(std::move(written).error());
  mine.reset();
  thread.join();
  TRY(std::move(answered));
  const std::string text = TRY(std::move(whole));
  const std::size_t head_end = text.find("\r\n\r\n");
  const auto status = parse_unsigned(text.substr(0, text.find("\r\n")).substr(9, 3));
  if (head_end == std::string::npos || !status) return fail(Code::internal, "ask: no answer");
  std::string body = text.substr(head_end + 4);
  if (*status < 400) return body;
  const auto json = parse_json(body, "answer");
  return fail(http_error(static_cast<int>(*status), json ? get_string(*json, "message") : body));
}

}  // namespace consort::serve
