// User namespaces of root's containers, and the mapping between their users and the machine's: docs/decisions/0148.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/os/fd.hpp"

namespace consort {

// The machine's user ID of root in every such container, and the number of IDs mapped. No other program uses them:
// systemd allocates container IDs up to 1879048191, and reserves IDs from 2147352576 on for foreign files.
inline constexpr std::uint32_t first_container_id = 2'000'000'000;
inline constexpr std::uint32_t container_ids = std::uint32_t{1} << 27;
std::string container_id_map();  // in the format of /proc/PID/uid_map

// Namespaces without processes; each exists as long as a descriptor refers to it or a process is in it.
struct NamespacesOfNobody {
  Fd users;
  Fd network;
};
enum class WithNetwork : std::uint8_t { no, yes };
// Maps in the kernel's format: lines of "INSIDE OUTSIDE COUNT".
Result<NamespacesOfNobody> make_user_namespace(const std::string& uid_map, const std::string& gid_map,
                                               WithNetwork network = WithNetwork::no);
// A network namespace owned by that user namespace (borrowed).
Result<Fd> make_network_namespace_of(int users);
// A user namespace with container_id_map(), for map_mount_owners() and the like. Borrowed; created once per process.
Result<int> container_users();

// The user namespace that owns another namespace. An empty Fd: the one of this process.
Result<Fd> owner_of_namespace(int other);

// Maps the file owners of a detached mount (borrowed) through a user namespace. EINVAL: its file system does not
// support it.
enum class MapSubmounts : std::uint8_t { no, yes };
Result<> map_mount_owners(int tree, int users, MapSubmounts submounts);

// The user ID that a process's root has in our user namespace; 0 if the process is in our namespace.
Result<std::uint32_t> root_of_process(pid_t pid);

// While it exists, files that this thread creates belong to another user (and its group), without the thread losing
// privileges. Requires root on the machine.
class ActingAs {
 public:
  static Result<ActingAs> begin(std::uint32_t id);
  ActingAs(ActingAs&& other) noexcept;
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;
  ~ActingAs();

 private:
  ActingAs(bool active, bool was_dumpable) : active_(active), was_dumpable_(was_dumpable) {}
  bool active_, was_dumpable_;
};

}  // namespace consort
