// BuildKit's API on top of the engine: what buildx, Docker Compose and `docker build` use after upgrading an HTTP
// connection (POST /grpc, POST /session). The engine's own builder executes builds; a client sends the location of the
// Dockerfile and options, and receives steps, an image, an archive or files.
//
// Calls and builds have their own threads, which end with their connection. SIGPIPE must be ignored.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort::engine {
class Engine;
}

namespace consort::buildkit {

// The headers of POST /session.
struct SessionRequest {
  std::string id;                    // X-Docker-Expose-Session-Uuid
  std::vector<std::string> methods;  // X-Docker-Expose-Session-Grpc-Method, one element per header
};

// Thread-safe.
class Service {
 public:
  explicit Service(engine::Engine& engine);  // borrowed
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service();  // no connection may be served any more

  // Serve a connected socket after the 101 response; read_already are bytes already read from it. Both return when the
  // connection has been closed, by the client or by stop().
  Result<> serve_control(Fd socket, std::string read_already);
  Result<> serve_session(Fd socket, std::string read_already, const SessionRequest& request);

  // Closes all connections and cancels their builds.
  void stop();

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace consort::buildkit
