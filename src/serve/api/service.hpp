// What all calls of a server share. It holds nothing that must outlive it: containers, images and their states are the
// engine's, in the database and the run root.
#pragma once

#include <string>

#include "base/roots.hpp"
#include "engine/types.hpp"
#include "serve/api/exec_table.hpp"
#include "serve/api/reaper.hpp"
#include "serve/server.hpp"

namespace consort::serve {

// The project whose supervisor looks after the containers of `docker run`. Compose's names begin with a letter or
// digit.
inline constexpr const char* loose_project = "_docker";

class Service {
 public:
  static constexpr unsigned oldest_version = 24, newest_version = 51;  // of the API: 1.24 to 1.51

  Service(Roots roots, ServerOptions options);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  const Roots& roots() const { return roots_; }
  const ServerOptions& options() const { return options_; }
  // Whether this socket shows it at all (--project).
  bool shows(const engine::Container& container) const {
    return options_.project.empty() || container.project == options_.project;
  }
  Reaper& reaper() { return reaper_; }
  ExecTable& execs() { return execs_; }
  const std::string& server_name() const { return server_name_; }  // "Consort/0.1.0 (linux)"

 private:
  Roots roots_;
  ServerOptions options_;
  std::string server_name_;
  ExecTable execs_;
  Reaper reaper_;
};

}  // namespace consort::serve
