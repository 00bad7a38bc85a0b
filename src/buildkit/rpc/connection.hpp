// gRPC over HTTP/2 without TLS on one connected socket, in either role, for blocking code: each connection has a thread
// that reads and writes, and each incoming call gets a thread for its handler. HTTP/2 flow control limits the amount of
// received data that has not been read yet.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "buildkit/rpc/status.hpp"

namespace consort::buildkit {

using Headers = std::vector<std::pair<std::string, std::string>>;  // lower-case names

class ConnectionCore;
struct StreamState;

// One call. May be used from any thread, but only one at a time may read and one at a time may write. Destroying it
// cancels the call if it has not ended.
class Stream {
 public:
  Stream(std::shared_ptr<ConnectionCore> core, std::shared_ptr<StreamState> state);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  const std::string& path() const;                  // "/moby.buildkit.v1.Control/Solve"
  std::string header(std::string_view name) const;  // first value in the request; "" if absent
  std::vector<std::string> headers(std::string_view name) const;
  // The next message; nullopt after the peer's last one. For a caller, a status other than OK is returned as an error.
  // Code::lost: the connection is gone; Code::interrupted: the call was cancelled.
  Result<std::optional<std::string>> read();
  // Blocks while too much data is waiting to be sent.
  Result<> write(std::string_view message);
  // For a caller: no more messages will be written.
  void close_send();
  // For a handler: ends the call. Later calls of finish() have no effect.
  void finish(const RpcStatus& status);
  void cancel();
  // Stopped once the peer has cancelled the call or the connection is gone.
  std::stop_token stopped() const;

 private:
  std::shared_ptr<ConnectionCore> core_;
  std::shared_ptr<StreamState> state_;
};

class Connection {
 public:
  enum class Role : std::uint8_t { server, client };
  // Called in a thread of its own. If it returns without having finished the call, the call ends with an internal
  // error.
  using Handler = std::function<void(Stream&)>;

  // `read_already`: bytes that were already read from the socket.
  static Result<std::unique_ptr<Connection>> start(Fd socket, std::string read_already, Role role,
                                                   Handler handler = {});
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // Closes the connection and waits for its handlers; must not be called by a handler.
  ~Connection();

  // Starts a call as a client. Code::lost: the connection is gone.
  Result<std::unique_ptr<Stream>> call(const std::string& path, const Headers& metadata = {});
  // A unary call: sends one message and returns the reply.
  Result<std::string> ask(const std::string& path, std::string_view request, const Headers& metadata = {},
                          const std::stop_token& cancel = {});

  void close();  // from any thread; ends calls in progress
  void wait_closed();
  std::stop_token closed() const;  // stopped once the connection is closed

 private:
  explicit Connection(std::shared_ptr<ConnectionCore> core) : core_(std::move(core)) {}
  std::shared_ptr<ConnectionCore> core_;
};

}  // namespace consort::buildkit
