// The protocol between consort-place and its clients: messages of a fixed size on a SOCK_SEQPACKET socket, each
// answered by one message, which may carry descriptors. Both ends are from one installation; `version` detects if not.
//
//     client                          consort-place
//       | ---- connect --------------> |
//       | <--- welcome (3 descriptors: user, mount and network namespace)
//       | ---- bind, link -----------> |
//       | <--- done (a socket) / failed (errno, text)
//       | ---- close ----------------> |   nobody connected and no process inside: it ends
#pragma once

#include <sys/socket.h>

#include <cstdint>

namespace consort::place {

// Descriptors that the program inherits, in addition to its log as descriptor 2 and the pipe to which it writes "ok" as
// descriptor 1.
inline constexpr int user_fd = 3, mount_fd = 4, network_fd = 5, lock_fd = 6;
inline constexpr std::uint32_t protocol_version = 1;

enum class Kind : std::uint32_t {
  welcome,
  bind,  // a socket on the host's network, bound to `address` and listening if TCP; without a port, unbound
  link,  // connect the namespace to the outside unless it is; answered when that is done
  done,
  failed,
};

struct Message {
  std::uint32_t version = protocol_version;
  Kind kind = Kind::welcome;
  std::int32_t error = 0;  // failed: errno, or 0
  std::int32_t type = 0;   // bind: SOCK_STREAM or SOCK_DGRAM
  std::uint32_t address_size = 0;
  sockaddr_storage address{};
  char text[480] = {};  // failed: why, for people; if the name is taken: "PID NAME" of its holder, or ""
};

}  // namespace consort::place
