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

std::string text_of(const Question& question) {
  std::string text = std::string(question.method) + " " + question.target + " HTTP/1.0\r\nHost: consort\r\n";
  if (!question.body.empty())
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(question.body.size()) + "\r\n";
  return text + "\r\n" + question.body;
}

// Both ends are ours, so a request larger than the socket's buffer must not wait for itself.
Result<> answer_one(Service& service, Fd socket) {
  http::Connection connection(std::move(socket));
  const auto request = TRY(connection.next());
  if (!request) return fail(Code::internal, "ask: no request");
  return answer(service, connection, *request);
}

}  // namespace

Api::Api(const Roots& roots) : service_(std::make_unique<Service>(roots, ServerOptions{})) {}
Api::~Api() = default;

Result<std::string> Api::ask(const Question& question) {
  auto [mine, theirs] = TRY(make_socket_pair(SOCK_STREAM));
  Result<> answered;
  std::jthread thread(
      [&, socket = std::move(theirs)]() mutable { answered = answer_one(*service_, std::move(socket)); });
  Result<> written = write_full(mine.get(), text_of(question));
  Result<std::string> whole =
      written ? read_all(mine.get(), std::string().max_size()) : std::unexpected(std::move(written).error());
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
