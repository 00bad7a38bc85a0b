// The sockets on which the server listens for clients.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "serve/tls.hpp"

namespace consort::serve {

class Listener {
 public:
  // host: "unix:///path", "/path", "fd://0" (standard input is a listening socket) or, only with tls,
  // "tcp://ADDRESS:PORT". The socket file is created with mode 0600 and removed with this object. Code::unsupported:
  // TCP without tls; Code::conflict: another process listens there.
  static Result<Listener> open(const std::string& host, const std::shared_ptr<TlsContext>& tls);
  // The sockets passed by systemd (LISTEN_PID, LISTEN_FDS, from descriptor 3 on), which systemd keeps open too. Removes
  // the variables from the environment. Empty: none were passed.
  static Result<std::vector<Listener>> inherited();

  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

  int fd() const { return fd_.get(); }
  const std::string& address() const { return address_; }
  const std::shared_ptr<TlsContext>& tls() const { return tls_; }  // for its clients; null: none

 private:
  static Result<Listener> taken_over(int fd);  // a unix socket created by another process
  Listener(Fd fd, std::string address, std::string file)
      : fd_(std::move(fd)), address_(std::move(address)), file_(std::move(file)) {}
  Fd fd_;
  std::string address_;  // "unix:///run/consort/docker.sock"
  std::string file_;     // removed at the end; "" if it is not ours
  std::shared_ptr<TlsContext> tls_;
};

}  // namespace consort::serve
