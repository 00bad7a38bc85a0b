// What consort-place and its clients say to each other: one message of a fixed size on a SOCK_SEQPACKET socket,
// answered by one, with descriptors with it. Both ends are of one installation; `version` notices when they are not.
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

// Descriptors that the program inherits, besides its log as descriptor 2 and the pipe to which it writes "ok" as
// descriptor 1.
inline constexpr int user_fd = 3, mount_fd = 4, network_fd = 5, lock_fd = 6;
inline constexpr std::uint32_t protocol_version = 1;

enum class Kind : std::uint32_t {
  welcome,
  bind,  // a socket of the host's network, bound to `address`; for TCP it listens. Without a port it is left unbound
  link,  // connect the namespace to the outside, unless it is; answered when that is done
  done,
  failed,
};

struct Message {
  std::uint32_t version = protocol_version;
  Kind kind = Kind::welcome;
  std::int32_t error = 0;  // failed: errno, 0 if there is none
  std::int32_t type = 0;   // bind: SOCK_STREAM or SOCK_DGRAM
  std::uint32_t address_size = 0;
  sockaddr_storage address{};
  char text[480] = {};  // failed: why, for people; of a name that is taken: "PID NAME" of whoever has it, or ""
};

}  // namespace consort::place
