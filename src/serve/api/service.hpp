// What all calls of a server share. Nothing in it must survive the server: containers, images and their states belong
// to the engine, in the database and the run root.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

#include "base/roots.hpp"
#include "engine/types.hpp"
#include "serve/api/containers/exec_table.hpp"
#include "serve/api/reaper.hpp"
#include "serve/server.hpp"

namespace consort::buildkit {
class Service;
}
namespace consort::engine {
class Engine;
}

namespace consort::serve {

// The project whose supervisor manages the containers of `docker run`. It cannot collide with a Compose project, whose
// name begins with a letter or digit.
inline constexpr const char* loose_project = "_docker";

class Service {
 public:
  static constexpr unsigned oldest_version = 24, newest_version = 51;  // of the API: 1.24 to 1.51

  Service(Roots roots, ServerOptions options);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service();

  const Roots& roots() const { return roots_; }
  const ServerOptions& options() const { return options_; }
  // Whether this socket shows the container (--project).
  bool shows(const engine::Container& container) const {
    return options_.project.empty() || container.project == options_.project;
  }
  // Reserves room for JSON bodies that are being read, across all connections: parsed, a body takes several times its
  // size, and a few hundred clients with large ones must not exhaust the machine. False: no room now.
  bool take_body_room(std::size_t bytes);
  void give_body_room(std::size_t bytes) { body_room_ += bytes; }
  Reaper& reaper() { return reaper_; }
  ExecTable& execs() { return execs_; }
  // BuildKit's API, created with the first connection, since a client uses several connections that belong together.
  Result<buildkit::Service*> buildkit();
  const std::string& server_name() const { return server_name_; }  // "Consort/0.1.0 (linux)"

 private:
  static constexpr std::size_t all_body_room = std::size_t{16} << 20;

  Roots roots_;
  ServerOptions options_;
  std::string server_name_;
  ExecTable execs_;
  Reaper reaper_;
  std::atomic<std::size_t> body_room_{all_body_room};
  std::mutex buildkit_mutex_;
  std::unique_ptr<engine::Engine> buildkit_engine_;
  std::unique_ptr<buildkit::Service> buildkit_;
};

}  // namespace consort::serve
