// The users of containers that root runs in user namespaces of their own, and the maps between them and the machine's.
// docs/decisions/0148.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/os/fd.hpp"

namespace consort {

// Root of every such container, and how many users follow. Nobody else has these numbers: systemd gives its containers
// those up to 1879048191, and keeps those from 2147352576 on for files of others.
inline constexpr std::uint32_t first_container_id = 2'000'000'000;
inline constexpr std::uint32_t container_ids = std::uint32_t{1} << 27;
std::string container_id_map();  // as /proc/PID/uid_map takes it

// Namespaces that nobody is in; each lives as long as somebody has its descriptor or is in it.
struct NamespacesOfNobody {
  Fd users;
  Fd network;
};
enum class WithNetwork : std::uint8_t { no, yes };
// Maps as the kernel takes them: lines of "INSIDE OUTSIDE COUNT".
Result<NamespacesOfNobody> make_user_namespace(const std::string& uid_map, const std::string& gid_map,
                                               WithNetwork network = WithNetwork::no);
// A network namespace that belongs to that user namespace (borrowed).
Result<Fd> make_network_namespace_of(int users);
// A user namespace with container_id_map(), for map_mount_owners() and the like. Borrowed; made once in a process.
Result<int> container_users();

// The user namespace to which another namespace belongs. An empty Fd: that of this process.
Result<Fd> owner_of_namespace(int other);

// Owners of what a detached mount (borrowed) shows, by the map of a user namespace. EINVAL: its file system cannot.
enum class MapSubmounts : std::uint8_t { no, yes };
Result<> map_mount_owners(int tree, int users, MapSubmounts submounts);

// What number the root of a process has as this one sees it: 0 in its own user namespace.
Result<std::uint32_t> root_of_process(pid_t pid);

// While it lives, what this thread makes belongs to another user (and its group), and the thread may do as much as
// before. For root of the machine.
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
