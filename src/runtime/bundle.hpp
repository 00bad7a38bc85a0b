// The operations of an OCI runtime on bundles, for `consort runtime`, which Podman and containerd call. Each call is a
// separate command; the state between two of them is in ROOT/ID, which only the user can enter:
//
//   state.json   completed steps: replaced atomically before and after each step that leaves something behind
//   config.json  the bundle's as it was at create; later changes have no effect
//   gate, answer FIFOs: the process of a created container waits at the first (foreign.hpp)
//   seccomp.bpf  the compiled filter, for exec too
//
// Commands that change a container hold a lock on its directory. A killed command leaves a container that `delete`
// removes: until its process is recorded, that process dies with the command. In the library consort_bundle.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "base/os/processes/process.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/launch.hpp"
#include "runtime/spec.hpp"

namespace consort::runtime {

enum class BundleStatus : std::uint8_t { creating, created, running, paused, stopped };
std::string_view to_string(BundleStatus status);

struct BundleState {
  std::string id;
  BundleStatus status = BundleStatus::stopped;
  pid_t pid = 0;  // 0 when stopped
  std::string oci_version, bundle, rootfs, created, owner;
  std::map<std::string, std::string> annotations;
};
// The state as OCI defines it, as JSON, with runc's additional fields.
std::string state_json(const BundleState& state);

struct CreateOptions {
  std::string id;
  std::string bundle;          // absolute
  std::string config;          // its config.json; "" is that in the bundle
  std::string pid_file;        // "": none
  std::string console_socket;  // of a terminal: where its master is sent
  std::string pidfd_socket;    // where a descriptor of the process is sent; "": none
  bool no_pivot = false;
  bool systemd_paths = false;  // cgroupsPath is SLICE:PREFIX:NAME
  int preserved = 0;           // descriptors 3, 4, ... of this program that the container gets
  int sockets = 0;             // the first of them are sockets, passed as by systemd (LISTEN_FDS)
  StdioFds stdio{0, 1, 2};
};

struct BundleExec {
  std::string id;
  Process process;
  std::vector<std::string> cgroups;  // below the container's, see Cgroup::open_below()
  std::string console_socket;        // of a terminal: where its master is sent
  std::string pidfd_socket;          // where a descriptor of the process is sent; "": none
  int preserved = 0;
  bool ignore_paused = false;
  StdioFds stdio{0, 1, 2};
};

enum class Removal : std::uint8_t { stopped_only, forced };

class BundleRuntime {
 public:
  using Warn = std::function<void(const std::string&)>;
  BundleRuntime(std::string root, Warn warn) : root_(std::move(root)), warn_(std::move(warn)) {}

  // The process waits when this returns. With a terminal its master goes to the socket, or else to `console`.
  Result<pid_t> create(const CreateOptions& options, Fd* console = nullptr);
  Result<> start(const std::string& id);
  Result<BundleState> state(const std::string& id) const;
  // Signals its first process; everyone: all processes of its cgroup.
  Result<> kill(const std::string& id, int signal, bool everyone);
  Result<> remove(const std::string& id, Removal removal);
  // The container's config, for the settings that exec takes over from it.
  Result<Spec> config(const std::string& id) const;
  // Started when this returns, as a child of this process. The master of a terminal is passed on as in create.
  Result<pid_t> exec(const BundleExec& exec, Fd* console = nullptr);
  Result<std::vector<BundleState>> list() const;
  Result<> pause(const std::string& id);
  Result<> resume(const std::string& id);
  Result<> update(const std::string& id, const Resources& resources);
  Result<std::vector<pid_t>> pids(const std::string& id) const;
  Result<Cgroup> cgroup(const std::string& id) const;

 private:
  std::string root_;
  Warn warn_;
};

// This runtime's features, as OCI's features document.
std::string features_json();
// A config.json to start from, as `spec` writes it.
std::string example_config(bool rootless);

}  // namespace consort::runtime
