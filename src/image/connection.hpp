// A connection to an HTTP server that is then used for another protocol, such as a WebSocket: libcurl connects, with
// TLS, certificates and proxies as for requests; after that, bytes go both ways.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "image/http.hpp"

namespace consort::image {

class Connection {
 public:
  // Uses the request's address, tls, proxy, connect_within and cancel. Sends nothing.
  static std::expected<Connection, HttpFailure> open(const HttpRequest& request);
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  // Readable when more may have arrived. Read everything before waiting on it, since TLS reads ahead.
  int fd() const;
  // Reads what has arrived. nullopt: nothing yet; 0: the other side has closed the connection.
  Result<std::optional<std::size_t>> read(std::span<std::byte> into);
  // Writes everything; waits until the other side accepts it.
  Result<> write(std::string_view bytes);
  // Writes as much as the other side accepts now. Pass the rest again next, alone or followed by more.
  Result<std::size_t> write_some(std::string_view bytes);

 private:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace consort::image
