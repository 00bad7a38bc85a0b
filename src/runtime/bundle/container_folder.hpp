// What is written down of one container: ROOT/ID.
#pragma once

#include <string>

#include "base/os/fd.hpp"
#include "runtime/bundle.hpp"

namespace consort::runtime::internal {

struct Record {
  std::string oci_version, bundle, rootfs, created, owner;
  std::string cgroup;            // its path; "": none
  bool own_cgroup = true;        // made by create, so removed by delete
  bool host_mounts = false;      // the root hangs in the caller's mount namespace
  bool complete = false;         // create came to its end
  bool started = false;          // start opened the gate
  pid_t pid = 0;                 // of its first process; 0: not made yet
  std::uint64_t start_time = 0;  // with the pid it names a process
};

class ContainerFolder {
 public:
  // Makes the directory and takes the lock. Code::conflict when the id is taken.
  static Result<ContainerFolder> make(const std::string& root, const std::string& id);
  // Waits for the lock. Code::not_found when there is no such container.
  static Result<ContainerFolder> lock(const std::string& root, const std::string& id);
  // Without a lock, to look at. `busy`: somebody holds it.
  static Result<ContainerFolder> look(const std::string& root, const std::string& id);

  const std::string& id() const { return id_; }
  std::string path(std::string_view file) const { return folder_ + "/" + std::string(file); }
  const std::string& folder() const { return folder_; }
  bool busy() const { return busy_; }

  Record record;
  Result<> save() const;
  Result<> remove() const;
  Result<Spec> config() const;

  bool alive() const;  // the process of the record is there and not a zombie
  BundleStatus status() const;
  BundleState state() const;
  BundleState state_as(BundleStatus status) const;

 private:
  Result<> load();
  std::string id_, folder_;
  Fd lock_;
  bool busy_ = false;
};

Result<> check_id(const std::string& id);

}  // namespace consort::runtime::internal
