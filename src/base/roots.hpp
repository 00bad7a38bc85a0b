// Where everything is kept. Data survives a reboot, run does not (and is not believed after one).
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort {

struct Roots {
  std::string data;  // /var/lib/consort, or $XDG_DATA_HOME/consort without root
  std::string run;   // /run/consort, or $XDG_RUNTIME_DIR/consort without root

  // CONSORT_DATA_ROOT and CONSORT_RUN_ROOT win; tests use them to keep out of each other's way.
  static Result<Roots> from_environment();

  // Makes both private (0700), or refuses to, and empties the run root when its boot id is not the machine's.
  Result<> prepare() const;

  std::string state_db() const { return data + "/state.db"; }
  std::string blobs() const { return data + "/blobs/sha256"; }
  std::string layers() const { return data + "/layers"; }
  std::string container(const std::string& id) const { return data + "/containers/" + id; }
  std::string volume_data(const std::string& name) const { return data + "/volumes/" + name + "/_data"; }
  std::string project_run(const std::string& project) const { return run + "/projects/" + project; }
};

}  // namespace consort
