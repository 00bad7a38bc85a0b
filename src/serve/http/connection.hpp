// One client's connection, on a thread of its own: reads and writes wait for the client, so that whoever is slow keeps
// nobody else waiting and no more of his bytes in memory than one buffer.
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
  std::chrono::milliseconds idle{600'000};  // between two requests: libraries keep connections for long
  std::chrono::milliseconds head{30'000};   // for a head that has begun
  std::chrono::milliseconds body{300'000};  // for the next bytes of a body
  std::chrono::milliseconds whole{60'000};  // for all of a body that is kept in memory
};

class Connection {
 public:
  explicit Connection(Fd socket, Patience patience = {}) : socket_(std::move(socket)), patience_(patience) {}

  // The next request's head. nullopt: the client has gone, or was silent for too long. What was not read of the last
  // request's body is read away. After an error the connection is over.
  Result<std::optional<Request>> next();

  // Of the body, as much as is there, at least a byte; 0 at its end. "100 Continue" goes out if it is waited for.
  Result<std::size_t> read_body(std::span<char> into);
  // All that is left of it; more than limit is Code::invalid. `keep` is asked before each part is kept.
  using Keep = std::function<Result<>(std::size_t bytes)>;
  Result<std::string> read_body(std::size_t limit, const Keep& keep = {});

  // All of it, whatever time the client takes. Code::io: it has gone.
  Result<> write(std::string_view bytes);
  Result<> write(std::string_view first, std::string_view second, std::string_view third);  // one packet, if possible

  int fd() const { return socket_.get(); }
  // Nobody is there any more: closed by the other side, and not only to writing.
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
  Result<std::size_t> fill(std::chrono::milliseconds patience);  // 0: end of file, or silence
  Result<> step();                                               // feeds the parser with what is there
  Result<> skip_body();
  std::chrono::milliseconds body_patience() const;

  Fd socket_;
  Patience patience_;
  std::string buffer_;  // read, not yet taken by the parser
  std::string body_;    // taken by the parser, not yet by whoever reads the body
  std::size_t body_read_ = 0;
  std::optional<std::chrono::steady_clock::time_point> body_until_;  // of one that is kept
  std::optional<RequestParser> parser_;                              // of the request that is being answered
  bool expects_continue_ = false;
  bool released_ = false;
};

}  // namespace consort::serve::http
