// A client's connection, in a thread of its own. Reads and writes wait for the client, so a slow client delays nobody
// else and takes no more memory than one buffer.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/os/fd.hpp"
#include "serve/http/request.hpp"
#include "serve/http/request_parser.hpp"

namespace consort::serve::http {

struct Patience {
  std::chrono::milliseconds idle{600'000};  // between two requests: libraries keep connections open for long
  std::chrono::milliseconds head{30'000};   // to complete a head
  std::chrono::milliseconds body{300'000};  // for the next bytes of a body
  std::chrono::milliseconds whole{60'000};  // to complete a body that is kept in memory
};

class Connection {
 public:
  explicit Connection(Fd socket, Patience patience = {}) : socket_(std::move(socket)), patience_(patience) {}

  // The next request's head. nullopt: the client has disconnected, or was silent for too long. Discards the unread rest
  // of the previous body. After an error, the connection cannot be used any more.
  Result<std::optional<Request>> next();

  // Reads the available part of the body, at least one byte; 0 at its end. Sends "100 Continue" if the client expects
  // it.
  Result<std::size_t> read_body(std::span<char> into);
  // Reads the rest of the body; more than limit is Code::invalid. `keep` is called before each part is stored.
  using Keep = std::function<Result<>(std::size_t bytes)>;
  Result<std::string> read_body(std::size_t limit, const Keep& keep = {});

  // Writes everything, however long the client takes. Code::io: it has disconnected.
  Result<> write(std::string_view bytes);
  Result<> write(std::string_view first, std::string_view second, std::string_view third);  // one packet, if possible

  int fd() const { return socket_.get(); }
  // Whether the other side has fully closed the connection, not only for writing.
  bool gone() const;

  // For a protocol of its own after the head of the answer: from here on the connection is the caller's. `early` are
  // the bytes after the request that have been read already. This one keeps a descriptor until it is destroyed: to tell
  // the client the end before that, shut the socket down.
  struct Raw {
    Fd socket;
    std::string early;
  };
  Result<Raw> release();
  bool released() const { return released_; }

 private:
  Result<std::size_t> fill(std::chrono::milliseconds patience);  // 0: end of file, or timeout
  Result<> step();                                               // passes what is there to the parser
  Result<> skip_body();
  std::chrono::milliseconds body_patience() const;

  Fd socket_;
  Patience patience_;
  std::string buffer_;  // read, but not parsed yet
  std::string body_;    // parsed, but not read by the caller yet
  std::size_t body_read_ = 0;
  std::optional<std::chrono::steady_clock::time_point> body_until_;  // deadline of a body that is kept
  std::optional<RequestParser> parser_;                              // of the current request
  bool expects_continue_ = false;
  bool released_ = false;
};

}  // namespace consort::serve::http
