// The socket of the project's own API, which some container has mounted. Whoever connects is answered by `consort serve
// --project`: it is started for the first of them and ends when nobody is left, so that nothing runs where nobody asks.
// The keeper holds the socket as well, because containers have that very file: the one that a successor of ours would
// make is not the one that they see.
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

  // Takes over what a predecessor had, if anything.
  Result<> adopt(KeeperLink::Inheritance& inheritance);
  // From now on somebody can come. Open already: nothing happens.
  Result<> open();
  // Nobody is left who could come: who serves is told to end.
  void close();

 private:
  void stop_watching();
  Result<> watch();
  void on_visitor();
  Result<> start_server();
  void on_server_end();

  Context& context_;
  Fd listener_;
  EventLoop::Token watch_ = 0;  // of the listener, while nobody serves
  EventLoop::Token pause_ = 0;  // until the next try, after one that has failed
  pid_t server_ = 0;            // a child of ours that has not been reaped; 0: none
  Fd server_fd_;                // its pidfd
  EventLoop::Token server_watch_ = 0;
};

}  // namespace consort::supervisor
