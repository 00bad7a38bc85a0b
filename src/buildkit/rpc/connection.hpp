// gRPC over HTTP/2 without TLS on one connected socket, in either role, for blocking code: each connection has a thread
// that reads and writes, and each call that comes in gets one for its handler. What is received and not read yet is
// bounded by HTTP/2's windows.
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

using Headers = std::vector<std::pair<std::string, std::string>>;  // names in lower case

class ConnectionCore;
struct StreamState;

// One call. Any thread may use it; one at a time reads, one at a time writes. Ends, as cancelled, with its last owner.
class Stream {
 public:
  Stream(std::shared_ptr<ConnectionCore> core, std::shared_ptr<StreamState> state);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  const std::string& path() const;                  // "/moby.buildkit.v1.Control/Solve"
  std::string header(std::string_view name) const;  // of the request, the first; "" without one
  std::vector<std::string> headers(std::string_view name) const;
  // The next message; nullopt when the other side has sent its last one. A caller gets the status as an error if it is
  // not ok. Code::lost: the connection has gone; Code::interrupted: the call was cancelled.
  Result<std::optional<std::string>> read();
  // Waits while much is waiting to be sent.
  Result<> write(std::string_view message);
  // A caller's last message has been written.
  void close_send();
  // The handler's end. Later ones say nothing.
  void finish(const RpcStatus& status);
  void cancel();
  // Stopped once the other side has cancelled the call or the connection has gone.
  std::stop_token stopped() const;

 private:
  std::shared_ptr<ConnectionCore> core_;
  std::shared_ptr<StreamState> state_;
};

class Connection {
 public:
  enum class Role : std::uint8_t { server, client };
  // Called in a thread of its own. A call that it has not finished when it returns ends with an internal error.
  using Handler = std::function<void(Stream&)>;

  // `read_already`: what came on the socket and was taken from it before.
  static Result<std::unique_ptr<Connection>> start(Fd socket, std::string read_already, Role role,
                                                   Handler handler = {});
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // Closes the connection and waits for its handlers: not to be called by one.
  ~Connection();

  // A client's call. Code::lost: the connection has gone.
  Result<std::unique_ptr<Stream>> call(const std::string& path, const Headers& metadata = {});
  // One message there, one back.
  Result<std::string> ask(const std::string& path, std::string_view request, const Headers& metadata = {},
                          const std::stop_token& cancel = {});

  void close();  // from any thread; calls in progress end
  void wait_closed();
  std::stop_token closed() const;  // stopped once it is

 private:
  explicit Connection(std::shared_ptr<ConnectionCore> core) : core_(std::move(core)) {}
  std::shared_ptr<ConnectionCore> core_;
};

}  // namespace consort::buildkit
