// The control socket: connections and messages. Supervisor handles their content.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/os/loop/event_loop.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "supervisor/protocol.hpp"

namespace consort::supervisor {

class ControlServer {
 public:
  using ConnectionId = std::uint64_t;  // never reused
  struct Handlers {
    std::function<void(ConnectionId, Request, std::vector<Fd>)> on_request;
    std::function<void(ConnectionId, TerminalSize)> on_resize;  // on a connection that belongs to an exec
    std::function<void(ConnectionId)> on_closed;
  };

  ControlServer(EventLoop& loop, std::string path, Handlers handlers);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  Result<> listen();
  // Removes the socket file and accepts the clients that connected before that; false if there were any.
  bool retire();

  // Does nothing if the connection is closed. A peer that does not read is disconnected.
  void send(ConnectionId id, const std::string& text, std::vector<Fd> fds = {});
  void reply(ConnectionId id, const Reply& reply, std::vector<Fd> fds = {});
  void refuse(ConnectionId id, const Error& error, std::optional<int> exit_code = {});
  void send_states(ConnectionId id, const std::vector<ObservedContainer>& states);
  void subscribe(ConnectionId id);
  void broadcast(const Event& event);
  // From now on, its messages are window sizes.
  void dedicate(ConnectionId id);
  std::size_t connections() const { return connections_.size(); }

 private:
  struct Outgoing {
    std::string text;
    std::vector<Fd> fds;
  };
  struct Connection {
    Fd socket;
    EventLoop::Token watch = 0;
    std::deque<Outgoing> waiting;
    std::size_t waiting_bytes = 0;
    bool subscribed = false;
    bool dedicated = false;
  };
  bool accept_one();
  void on_ready(ConnectionId id, std::uint32_t events);
  void read_message(ConnectionId id);
  void handle(ConnectionId id, Message message);
  bool flush(Connection& connection);  // false: the peer is gone
  void close(ConnectionId id);

  EventLoop& loop_;
  std::string path_;
  Handlers handlers_;
  Fd listener_;
  EventLoop::Token listener_watch_ = 0;
  ConnectionId next_ = 1;
  std::map<ConnectionId, Connection> connections_;
};

}  // namespace consort::supervisor
