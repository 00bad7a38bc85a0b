// The socket of the project's own API, for containers that mount it. `consort serve --project` answers clients: it is
// started for the first one and ends after the last, so that nothing runs without clients. The keeper holds the socket
// too, because containers have mounted that very file; a socket made by our successor would not be the one they see.
#pragma once

#include "base/os/loop/event_loop.hpp"
#include "supervisor/loop/context.hpp"

namespace consort::supervisor {

class ApiDoor {
 public:
  explicit ApiDoor(Context& context) : context_(context) {}
  ~ApiDoor();
  ApiDoor(const ApiDoor&) = delete;
  ApiDoor& operator=(const ApiDoor&) = delete;

  // Takes over the predecessor's socket, if any.
  Result<> adopt(KeeperLink::Inheritance& inheritance);
  // Starts listening for clients. Does nothing if already open.
  Result<> open();
  // No more clients can come: tells the server to end.
  void close();

 private:
  void stop_watching();
  Result<> watch();
  void on_visitor();
  Result<> start_server();
  void on_server_end();

  Context& context_;
  Fd listener_;
  EventLoop::Token watch_ = 0;  // on the listener, while there is no server
  EventLoop::Token pause_ = 0;  // until the next attempt after a failure
  pid_t server_ = 0;            // a child of ours that has not been reaped; 0: none
  Fd server_fd_;                // its pidfd
  EventLoop::Token server_watch_ = 0;
};

}  // namespace consort::supervisor
