// One request while it is answered: what a handler is given. It reads what was asked through this, and gives exactly
// one answer, by json(), text(), empty(), stream(), pipe_out() or upgrade(); or it returns an Error, which becomes the
// answer ({"message":...}) if the head of another has not gone out yet, and the last line of a JSON stream if it has.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/os/fd.hpp"
#include "engine/engine.hpp"
#include "serve/http/connection.hpp"
#include "serve/http/request.hpp"

namespace consort::serve {

class Service;  // serve/api/service.hpp

using Headers = std::vector<std::pair<std::string_view, std::string>>;

// An error whose answer has this status, 400, 403, 404, 409, 500, 501 or 503: each stands for a code, and status_of()
// is the other way round.
Error http_error(int status, std::string message);
int status_of(const Error& error);

namespace content {
inline constexpr const char* json = "application/json";
inline constexpr const char* tar = "application/x-tar";
inline constexpr const char* text = "text/plain; charset=utf-8";
inline constexpr const char* raw_stream = "application/vnd.docker.raw-stream";
inline constexpr const char* multiplexed_stream = "application/vnd.docker.multiplexed-stream";
}  // namespace content

// What follows the head of an answer for as long as there is something: in chunks, each on its way at once. It ends
// with finish(); without it the client sees that the answer was broken off.
class BodyStream {
 public:
  BodyStream(http::Connection& connection, bool chunked) : connection_(&connection), chunked_(chunked) {}
  Result<> write(std::string_view bytes);  // waits for the client. Code::io: it has gone
  Result<> line(const Json& value);        // JSON and "\r\n"
  Result<> finish();
  bool finished() const { return finished_; }
  bool client_gone() const { return connection_->gone(); }
  int fd() const { return connection_->fd(); }  // for poll(): POLLHUP when the client goes

 private:
  http::Connection* connection_;
  bool chunked_;
  bool finished_ = false;
};

class Call {
 public:
  using Variables = std::vector<std::pair<std::string_view, std::string>>;
  Call(Service& service, http::Connection& connection, const http::Request& request);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // --- what was asked
  const http::Request& request() const { return request_; }
  const std::string& variable(std::string_view name) const;  // "{name}" of the route's pattern, decoded
  unsigned version() const { return version_; }              // 51 of "/v1.51/..."; without it the newest
  bool has(std::string_view key) const { return request_.query.has(key); }
  std::string query(std::string_view key, std::string_view fallback = {}) const {
    return request_.query.text(key, fallback);
  }
  bool flag(std::string_view key, bool fallback = false) const;  // "0", "false", "no", "" and the like are false
  Result<std::optional<std::int64_t>> number(std::string_view key) const;  // none: not given, or empty
  // The body as a JSON object; nothing but white space is Code::invalid unless `optional`, then an empty object.
  enum class Body : std::uint8_t { needed, optional };
  Result<Json> body(Body need = Body::needed);  // Code::busy: others have sent too much just now
  Result<std::size_t> read_body(std::span<char> into) { return connection_.read_body(into); }
  // `take` gets a descriptor to read the whole body from, which comes through a pipe while it is read.
  Result<> body_to(const std::function<Result<>(int in)>& take);

  // --- what answers it
  Service& service() { return service_; }
  // Opened for this call alone, so that what others have changed meanwhile is seen.
  Result<engine::Engine*> engine();

  // --- the answer
  void add_header(std::string_view name, std::string value) { headers_.emplace_back(name, std::move(value)); }
  Result<> json(int status, const Json& value);
  Result<> text(int status, std::string_view body, std::string_view type = content::text);
  Result<> empty(int status);
  // The head goes out now.
  Result<BodyStream> stream(std::string_view type, int status = 200);
  // A stream of JSON lines for `write`: an error of it is told as the last line ({"errorDetail":...}). The head goes
  // out with the first line, so that an error before it has a status of its own.
  using LineWriter = std::function<Result<>(const Json& line)>;
  Result<> lines(const std::function<Result<>(const LineWriter& line)>& write);
  // The body is what `write` writes to the descriptor; an error before the first byte is the answer.
  Result<> pipe_out(std::string_view type, const std::function<Result<>(int out)>& write);
  // The connection as it is after the head of the answer, which goes out now: "101 UPGRADED" with the protocol asked
  // for if the client has asked for one, else "200 OK" with a body that ends with the connection. The body of the
  // request must have been read.
  struct Upgrade {
    std::string_view type;      // Content-Type; "" none
    std::string_view protocol;  // "tcp", "h2c"
  };
  Result<http::Connection::Raw> upgrade(const Upgrade& upgrade);
  bool wants_upgrade() const;

  bool answered() const { return answered_; }  // the head is out
  bool client_gone() const { return connection_.gone(); }
  int client_fd() const { return connection_.fd(); }

  // --- for the router
  void set_route(Variables variables, unsigned version) {
    variables_ = std::move(variables);
    version_ = version;
  }
  Result<> error(const Error& error);  // the answer for it

 private:
  std::string head(int status, std::string_view type, std::optional<std::uint64_t> length) const;
  Result<> send(int status, std::string_view type, std::string_view body);
  bool is_head() const { return request_.method == "HEAD"; }

  Service& service_;
  http::Connection& connection_;
  const http::Request& request_;
  Variables variables_;
  unsigned version_;
  std::unique_ptr<engine::Engine> engine_;
  Headers headers_;
  bool answered_ = false;
  std::size_t body_room_ = 0;  // taken from the service
};

}  // namespace consort::serve
