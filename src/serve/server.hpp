// `consort serve`: Docker's Engine API over HTTP, on the engine. One thread takes connections, each of them is answered
// by a thread of its own. The server may be killed at any time: containers do not notice, and the next one knows all
// that this one knew.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/roots.hpp"
#include "serve/tls.hpp"

namespace consort::serve {

struct ServerOptions {
  // "unix:///run/consort/docker.sock". Empty: the sockets that systemd has handed over, if it has, else the usual one.
  std::vector<std::string> hosts;
  std::optional<TlsFiles> tls;  // for hosts like "tcp://0.0.0.0:2376", which are refused without
  bool read_only = false;       // states, logs and figures; everything else is refused
  std::string project;          // not "": nothing but what belongs to this project is shown or can be changed
  // Without a connection for that long: the end. None: never. Default: 60 s under systemd's sockets, else none.
  std::optional<std::chrono::seconds> idle;
  int stop_fd = -1;                                            // borrowed; readable: the end
  std::function<void(const std::string& address)> on_ready{};  // called for each address, once it listens
};

// As poll() takes it: no longer than it can count, which is 24 days.
int poll_milliseconds(std::chrono::seconds idle);

// Where a client finds it when nothing else is said: "unix:///run/consort/docker.sock".
std::string default_host(const Roots& roots);

// Until the end. Code::conflict: somebody serves there already. Threads that answer somebody just then go on: the
// caller ends the program by _exit().
Result<> serve(const Roots& roots, const ServerOptions& options);

}  // namespace consort::serve
