// The directories in which consort keeps its files. The data root survives a reboot; the run root is discarded after
// one.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort {

struct Roots {
  std::string data;  // /var/lib/consort, or $XDG_DATA_HOME/consort without root
  std::string run;   // /run/consort, or $XDG_RUNTIME_DIR/consort without root

  // CONSORT_DATA_ROOT and CONSORT_RUN_ROOT take precedence; tests use them to stay isolated from each other.
  static Result<Roots> from_environment();

  // Creates both with mode 0700, or fails; empties the run root if its boot ID is not that of the running machine.
  Result<> prepare() const;

  std::string state_db() const { return data + "/state.db"; }
  std::string blobs() const { return data + "/blobs/sha256"; }
  std::string layers() const { return data + "/layers"; }
  std::string container(const std::string& id) const { return data + "/containers/" + id; }
  std::string volume_data(const std::string& name) const { return data + "/volumes/" + name + "/_data"; }
  std::string project_run(const std::string& project) const { return run + "/projects/" + project; }
};

}  // namespace consort
