// BuildKit's API on the engine: what buildx, Docker Compose and `docker build` speak once a connection has been taken
// from HTTP (POST /grpc, POST /session). Builds are done by the engine's own builder; a client sends the Dockerfile's
// place and options, and gets steps, an image, an archive or files back.
//
// Calls and builds have threads of their own, which end with their connection. SIGPIPE must be ignored.
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

// What came with POST /session.
struct SessionRequest {
  std::string id;                    // X-Docker-Expose-Session-Uuid
  std::vector<std::string> methods;  // X-Docker-Expose-Session-Grpc-Method, each
};

// Any thread.
class Service {
 public:
  explicit Service(engine::Engine& engine);  // borrowed
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service();  // nobody may be served any more

  // A connected socket after the 101, and what has been read of it already. Both return when it has been closed, by the
  // client or by stop().
  Result<> serve_control(Fd socket, std::string read_already);
  Result<> serve_session(Fd socket, std::string read_already, const SessionRequest& request);

  // Closes all connections; builds are cancelled.
  void stop();

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace consort::buildkit
