// `consort serve`: Docker's Engine API over HTTP, on the engine. One thread accepts connections; each is handled in a
// thread of its own. The server may be killed at any time: containers are not affected, and its successor knows
// everything that it knew.
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
  // "unix:///run/consort/docker.sock". Empty: the sockets passed by systemd, if any, else the default.
  std::vector<std::string> hosts;
  std::optional<TlsFiles> tls;  // required for hosts like "tcp://0.0.0.0:2376"
  bool read_only = false;       // states, logs and statistics only; everything else is refused
  std::string project;          // if set, only what belongs to this project is visible and changeable
  // Exits after that time without connections. nullopt: never, except with systemd's sockets: after 60 s.
  std::optional<std::chrono::seconds> idle;
  int stop_fd = -1;                                            // borrowed; when readable, the server exits
  std::function<void(const std::string& address)> on_ready{};  // called for each address once it listens
};

// For poll(): at most the number it can represent, which is 24 days.
int poll_milliseconds(std::chrono::seconds idle);

// The server's default address: "unix:///run/consort/docker.sock".
std::string default_host(const Roots& roots);

// Runs until the end. Code::conflict: another server is there. Threads that are handling requests continue: the caller
// must end the program with _exit().
Result<> serve(const Roots& roots, const ServerOptions& options);

}  // namespace consort::serve
