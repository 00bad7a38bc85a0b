// The stored state of one container of `consort runtime`: the directory ROOT/ID.
#pragma once

#include <string>

#include "base/os/fd.hpp"
#include "runtime/bundle.hpp"

namespace consort::runtime::internal {

struct Record {
  std::string oci_version, bundle, rootfs, created, owner;
  std::string cgroup;            // its path; "": none
  bool own_cgroup = true;        // created by `create`, so `delete` removes it
  bool host_mounts = false;      // the root is mounted in the caller's mount namespace
  bool complete = false;         // `create` has completed
  bool started = false;          // `start` has opened the gate
  pid_t pid = 0;                 // of its first process; 0: not created yet
  std::uint64_t start_time = 0;  // identifies the process together with the pid
};

class ContainerDirectory {
 public:
  // Creates the directory and takes the lock. Code::conflict if the ID is taken.
  static Result<ContainerDirectory> make(const std::string& root, const std::string& id);
  // Waits for the lock. Code::not_found if there is no such container.
  static Result<ContainerDirectory> lock(const std::string& root, const std::string& id);
  // Reads without the lock. `busy`: another process holds it.
  static Result<ContainerDirectory> look(const std::string& root, const std::string& id);

  const std::string& id() const { return id_; }
  std::string path(std::string_view file) const { return directory_ + "/" + std::string(file); }
  const std::string& directory() const { return directory_; }
  bool busy() const { return busy_; }

  Record record;
  Result<> save() const;
  Result<> remove() const;
  Result<Spec> config() const;

  bool alive() const;  // the recorded process exists and is not a zombie
  BundleStatus status() const;
  BundleState state() const;
  BundleState state_as(BundleStatus status) const;

 private:
  Result<> load();
  std::string id_, directory_;
  Fd lock_;
  bool busy_ = false;
};

Result<> check_id(const std::string& id);

}  // namespace consort::runtime::internal
