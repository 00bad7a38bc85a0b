#include "serve/api/call.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <thread>

#include "base/strings.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

constexpr std::size_t json_body_limit = std::size_t{8} << 20;
constexpr std::size_t own_body_room = std::size_t{32} << 10;  // a connection's; what is beyond it comes from all room
constexpr std::size_t block = std::size_t{64} << 10;

std::string_view reason_of(int status) {
  switch (status) {
    case 101:
      return "UPGRADED";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 409:
      return "Conflict";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

Code code_of(int status) {
  switch (status) {
    case 400:
      return Code::invalid;
    case 403:
      return Code::denied;
    case 404:
      return Code::not_found;
    case 409:
      return Code::conflict;
    case 501:
      return Code::unsupported;
    case 503:
      return Code::busy;
    default:
      return Code::io;
  }
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 40> text;
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return text.data();
}

// Until the client has read what was written so far. docker-py reads the head of an answer into a buffer, and whatever
// comes with it is lost to whoever takes the socket then. A client that does not read at all loses nothing, and is not
// waited for.
void await_reader(int socket) {
  constexpr std::chrono::microseconds longest{200'000};
  std::chrono::microseconds waited{0}, pause{20};
  for (int unread = 0; ::ioctl(socket, SIOCOUTQ, &unread) == 0 && unread > 0 && waited < longest; waited += pause) {
    pause = std::min(pause * 2, std::chrono::microseconds(2'000));
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

Error http_error(int status, std::string message) {
  return Error(code_of(status), std::move(message));
}

int status_of(const Error& error) {
  switch (error.code()) {
    case Code::invalid:
      return 400;
    case Code::not_found:
      return 404;
    case Code::conflict:
      return 409;
    case Code::denied:
      return 403;
    case Code::unsupported:
      return 501;
    case Code::busy:
      return 503;
    default:
      return 500;
  }
}

// ---- streams --------------------------------------------------------------------------------------------------------

Result<> BodyStream::write(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (!chunked_) return connection_->write(bytes);
  std::array<char, 24> size;
  const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  return connection_->write({size.data(), static_cast<std::size_t>(length)}, bytes, "\r\n");
}

Result<> BodyStream::line(const Json& value) {
  return write(dump_json(value) + "\r\n");
}

Result<> BodyStream::finish() {
  finished_ = true;
  return chunked_ ? connection_->write("0\r\n\r\n") : Result<>();
}

// ---- what was asked -------------------------------------------------------------------------------------------------

Call::Call(Service& service, http::Connection& connection, const http::Request& request)
    : service_(service), connection_(connection), request_(request), version_(Service::newest_version) {}

const std::string& Call::variable(std::string_view name) const {
  static const std::string none;
  const auto found = std::ranges::find(variables_, name, [](const auto& each) { return each.first; });
  return found == variables_.end() ? none : found->second;
}

bool Call::flag(std::string_view key, bool fallback) const {
  if (!has(key)) return fallback;
  const std::string value = to_lower(trim(query(key)));
  return !(value.empty() || value == "0" || value == "no" || value == "false" || value == "none");
}

Result<std::optional<std::int64_t>> Call::number(std::string_view key) const {
  const std::string text = query(key);
  if (text.empty()) return std::nullopt;
  const auto value = parse_signed(text);
  if (!value) return fail(http_error(400, "strconv.Atoi: parsing \"" + text + "\": invalid syntax"));
  return *value;
}

Call::~Call() {
  service_.give_body_room(body_room_);
}

Result<Json> Call::body(Body need) {
  const std::string_view type = request_.header("content-type");
  if (need == Body::needed && request_.has_body && !type.starts_with(content::json)) {
    return fail(
        http_error(400, "unsupported Content-Type header (" + std::string(type) + "): must be 'application/json'"));
  }
  // Whoever sends a large body slowly must not keep others from sending small ones.
  std::size_t size = 0;
  const std::string text = TRY(connection_.read_body(json_body_limit, [&](std::size_t bytes) -> Result<> {
    size += bytes;
    const std::size_t wanted = size - std::min(size, own_body_room) - body_room_;
    if (!service_.take_body_room(wanted))
      return fail(http_error(503, "too many large requests at the same time: try again"));
    body_room_ += wanted;
    return {};
  }));
  if (trim(text).empty()) {
    if (need == Body::optional) return Json::object();
    return fail(http_error(400, "invalid JSON: got EOF while reading request body"));
  }
  Result<Json> parsed = parse_json(text, "request");
  if (!parsed) return fail(http_error(400, "invalid JSON: " + parsed.error().message()));
  if (parsed->is_null()) return Json::object();
  if (!parsed->is_object()) return fail(http_error(400, "invalid JSON: an object is needed"));
  return parsed;
}

Result<> Call::body_to(const std::function<Result<>(int in)>& take) {
  Pipe pipe = TRY(make_pipe());
  Result<> read;
  std::jthread pump([&, writer = std::move(pipe.write)] {
    std::string part(block, '\0');
    while (true) {
      const auto got = connection_.read_body(part);
      if (!got) read = fail(Code::io, "read request: " + got.error().message());
      if (!got || *got == 0) return;
      if (!write_full(writer.get(), std::string_view(part).substr(0, *got))) return;  // nobody wants the rest
    }
  });
  Result<> taken = take(pipe.read.get());
  pipe.read.reset();  // the pump's next write fails, if it still has something
  pump.join();
  return taken ? std::move(read) : std::move(taken);
}

Result<engine::Engine*> Call::engine() {
  if (!engine_) engine_ = TRY(engine::Engine::open(service_.roots()));
  return engine_.get();
}

// ---- the answer -----------------------------------------------------------------------------------------------------

std::string Call::head(int status, std::string_view type, std::optional<std::uint64_t> length) const {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " ";
  text.append(reason_of(status)).append("\r\n");
  const auto add = [&](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  add("Api-Version", "1." + std::to_string(Service::newest_version));
  add("Docker-Experimental", "false");
  add("Ostype", "linux");
  add("Server", service_.server_name());
  add("Date", http_date());
  for (const auto& [name, value] : headers_) add(name, value);
  if (!type.empty()) add("Content-Type", type);
  if (length) add("Content-Length", std::to_string(*length));
  if (!request_.keep_alive) add("Connection", "close");
  return text;
}

Result<> Call::send(int status, std::string_view type, std::string_view body) {
  answered_ = true;
  const bool bodiless = status == 204 || status == 304;
  const std::string text = head(status, type, bodiless ? std::nullopt : std::optional<std::uint64_t>(body.size()));
  return connection_.write(text, "\r\n", is_head() || bodiless ? std::string_view() : body);
}

Result<> Call::json(int status, const Json& value) {
  return send(status, content::json, dump_json(value) + "\n");
}

Result<> Call::text(int status, std::string_view body, std::string_view type) {
  return send(status, type, body);
}

Result<> Call::empty(int status) {
  return send(status, {}, {});
}

Result<> Call::error(const Error& error) {
  return json(status_of(error), {{"message", error.message()}});
}

Result<BodyStream> Call::stream(std::string_view type, int status) {
  const bool chunked = request_.version >= 11;
  answered_ = true;
  TRY(connection_.write(head(status, type, std::nullopt), chunked ? "Transfer-Encoding: chunked\r\n" : "", "\r\n"));
  return BodyStream(connection_, chunked);
}

Result<> Call::lines(const std::function<Result<>(const LineWriter& line)>& write) {
  std::optional<BodyStream> body;
  Result<> outcome = write([&](const Json& line) -> Result<> {
    if (!body) body = TRY(stream(content::json));
    return body->line(line);
  });
  if (!outcome && !body) return outcome;
  if (!body) body = TRY(stream(content::json));
  if (!outcome) {
    const std::string message = outcome.error().message();
    TRY(body->line({{"errorDetail", {{"message", message}}}, {"error", message}}));
  }
  return body->finish();
}

Result<> Call::pipe_out(std::string_view type, const std::function<Result<>(int out)>& write) {
  Pipe pipe = TRY(make_pipe());
  Result<> written;
  std::jthread writer([&, out = std::move(pipe.write)] { written = write(out.get()); });
  std::string part(block, '\0');
  std::optional<BodyStream> body;
  Result<> sent;
  while (sent) {
    const auto got = read_some(pipe.read.get(), std::as_writable_bytes(std::span(part)));
    if (!got || *got == 0) break;
    if (!body) {
      auto begun = stream(type);
      if (begun) body = *begun;
      if (!begun) sent = fail(std::move(begun).error());
    }
    if (body) sent = body->write(std::string_view(part).substr(0, *got));
  }
  pipe.read.reset();
  writer.join();
  TRY(std::move(sent));
  TRY(std::move(written));
  if (!body) body = TRY(stream(type));
  return body->finish();
}

bool Call::wants_upgrade() const {
  return request_.header_has("connection", "upgrade") && !request_.header("upgrade").empty();
}

Result<http::Connection::Raw> Call::upgrade(const Upgrade& upgrade) {
  answered_ = true;
  std::string text;
  if (wants_upgrade()) {
    text = upgrade.protocol == "tcp" ? "HTTP/1.1 101 UPGRADED\r\n" : "HTTP/1.1 101 Switching Protocols\r\n";
    if (!upgrade.type.empty()) text.append("Content-Type: ").append(upgrade.type).append("\r\n");
    text.append("Connection: Upgrade\r\nUpgrade: ").append(upgrade.protocol).append("\r\n");
    for (const auto& [name, value] : headers_) text.append(name).append(": ").append(value).append("\r\n");
  } else {
    text = head(200, upgrade.type, std::nullopt);
    if (request_.keep_alive) text += "Connection: close\r\n";
  }
  TRY(connection_.write(text, "\r\n", {}));
  await_reader(connection_.fd());
  return connection_.release();
}

}  // namespace consort::serve
