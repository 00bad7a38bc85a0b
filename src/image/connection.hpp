// A connection to a server of HTTP that is used for something else: TLS, certificates and proxies as for requests
// (libcurl makes it), then bytes both ways. For what HTTP is only the greeting of, such as a WebSocket.
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
  // Of the request, the address, tls, proxy, connect_within and cancel count. Nothing is sent.
  static std::expected<Connection, HttpFailure> open(const HttpRequest& request);
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  // Readable when there may be more; read all that there is before waiting for it, since TLS reads ahead.
  int fd() const;
  // What is there now; nullopt: nothing yet; 0: the other side has closed it.
  Result<std::optional<std::size_t>> read(std::span<std::byte> into);
  // All of it; waits until the other side takes it.
  Result<> write(std::string_view bytes);
  // As much as the other side takes now; what is left of it is to be written next, with or without more behind it.
  Result<std::size_t> write_some(std::string_view bytes);

 private:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace consort::image
