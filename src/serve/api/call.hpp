// One request while it is handled. A handler reads the request through a Call and gives exactly one answer with json(),
// text(), empty(), stream(), pipe_out() or upgrade(). If it returns an Error instead, that becomes the answer
// ({"message":...}), or the last line of a JSON stream if an answer's head has already been sent.
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

// An error that is answered with this status: 400, 403, 404, 409, 500, 501 or 503. Each corresponds to a code;
// status_of() is the inverse.
Error http_error(int status, std::string message);
int status_of(const Error& error);

namespace content {
inline constexpr const char* json = "application/json";
inline constexpr const char* tar = "application/x-tar";
inline constexpr const char* text = "text/plain; charset=utf-8";
inline constexpr const char* raw_stream = "application/vnd.docker.raw-stream";
inline constexpr const char* multiplexed_stream = "application/vnd.docker.multiplexed-stream";
}  // namespace content

// A body of unknown length after the head of an answer: sent in chunks, each at once. finish() ends it; without it, the
// client sees that the answer is incomplete.
class BodyStream {
 public:
  BodyStream(http::Connection& connection, bool chunked) : connection_(&connection), chunked_(chunked) {}
  Result<> write(std::string_view bytes);  // waits for the client. Code::io: it has closed the connection
  Result<> line(const Json& value);        // JSON and "\r\n"
  Result<> finish();
  bool finished() const { return finished_; }
  bool client_gone() const { return connection_->gone(); }
  int fd() const { return connection_->fd(); }  // for poll(): POLLHUP if the client disconnects

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

  // --- The request.
  const http::Request& request() const { return request_; }
  const std::string& variable(std::string_view name) const;  // "{name}" of the route's pattern, decoded
  unsigned version() const { return version_; }              // 51 for "/v1.51/..."; without it, the newest
  bool has(std::string_view key) const { return request_.query.has(key); }
  std::string query(std::string_view key, std::string_view fallback = {}) const {
    return request_.query.text(key, fallback);
  }
  bool flag(std::string_view key, bool fallback = false) const;  // "0", "false", "no", "" and the like are false
  Result<std::optional<std::int64_t>> number(std::string_view key) const;  // nullopt: missing or empty
  // The body as a JSON object. Only white space is Code::invalid unless `optional`, which makes it an empty object.
  enum class Body : std::uint8_t { needed, optional };
  Result<Json> body(Body need = Body::needed);  // Code::busy: other clients have too much in memory now
  Result<std::size_t> read_body(std::span<char> into) { return connection_.read_body(into); }
  // `take` gets the reading end of a pipe, which delivers the whole body while `take` runs.
  Result<> body_to(const std::function<Result<>(int in)>& take);

  // --- What the handler uses.
  Service& service() { return service_; }
  // Opened for this call only, so that it sees others' changes.
  Result<engine::Engine*> engine();

  // --- The answer.
  void add_header(std::string_view name, std::string value) { headers_.emplace_back(name, std::move(value)); }
  Result<> json(int status, const Json& value);
  Result<> text(int status, std::string_view body, std::string_view type = content::text);
  Result<> empty(int status);
  // Sends the head immediately.
  Result<BodyStream> stream(std::string_view type, int status = 200);
  // Streams the JSON lines that `write` produces; its error becomes the last line ({"errorDetail":...}). The head is
  // sent with the first line, so that an error before it has its own status.
  using LineWriter = std::function<Result<>(const Json& line)>;
  Result<> lines(const std::function<Result<>(const LineWriter& line)>& write);
  // The body is what `write` writes to the descriptor; an error before the first byte becomes the answer.
  Result<> pipe_out(std::string_view type, const std::function<Result<>(int out)>& write);
  // Takes over the connection after the head of the answer, which is sent now: "101 UPGRADED" with the requested
  // protocol if the client asked for one, else "200 OK" with a body that ends with the connection. The request's body
  // must have been read.
  struct Upgrade {
    std::string_view type;      // Content-Type; "": none
    std::string_view protocol;  // "tcp", "h2c"
  };
  Result<http::Connection::Raw> upgrade(const Upgrade& upgrade);
  bool wants_upgrade() const;

  bool answered() const { return answered_; }  // the head has been sent
  bool client_gone() const { return connection_.gone(); }
  int client_fd() const { return connection_.fd(); }

  // --- For the router.
  void set_route(Variables variables, unsigned version) {
    variables_ = std::move(variables);
    version_ = version;
  }
  Result<> error(const Error& error);  // sends the answer for the error

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
  std::size_t body_room_ = 0;  // reserved from the service
};

}  // namespace consort::serve
