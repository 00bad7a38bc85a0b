// The sockets that clients come to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "serve/tls.hpp"

namespace consort::serve {

class Listener {
 public:
  // host: "unix:///path", "/path", "fd://0" (the standard input is a socket that listens), or, with tls alone,
  // "tcp://ADDRESS:PORT". The socket file is made with mode 0600 and goes with this object. Code::unsupported: TCP
  // without it, Code::conflict: somebody listens there.
  static Result<Listener> open(const std::string& host, const std::shared_ptr<TlsContext>& tls);
  // Those of systemd's protocol (LISTEN_PID, LISTEN_FDS, from descriptor 3 on), which it goes on holding. The variables
  // are taken out of the environment. None: it has handed over none.
  static Result<std::vector<Listener>> inherited();

  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

  int fd() const { return fd_.get(); }
  const std::string& address() const { return address_; }
  const std::shared_ptr<TlsContext>& tls() const { return tls_; }  // of whoever comes there; null: none

 private:
  static Result<Listener> taken_over(int fd);  // a unix socket that somebody has made for us
  Listener(Fd fd, std::string address, std::string file)
      : fd_(std::move(fd)), address_(std::move(address)), file_(std::move(file)) {}
  Fd fd_;
  std::string address_;  // "unix:///run/consort/docker.sock"
  std::string file_;     // to be removed at the end; "" if it is not ours
  std::shared_ptr<TlsContext> tls_;
};

}  // namespace consort::serve
