// Unix sockets of type SOCK_SEQPACKET: one send is one message, and descriptors are passed along with it (SCM_RIGHTS).
// A message too long for the socket's buffer is passed as a sealed memory file.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/os/fd.hpp"

namespace consort {

inline constexpr std::size_t max_packet_bytes = 160 * 1024;  // below the kernel's default send buffer
inline constexpr std::size_t max_message_bytes = std::size_t{16} << 20;
inline constexpr std::size_t max_message_fds = 16;

struct Message {
  std::string text;
  std::vector<Fd> fds;  // all with CLOEXEC
};

struct Credentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

// The address of a socket. Paths longer than sockaddr_un allows (107 bytes) work too, through /proc/self/fd of the
// directory.
struct UnixAddress {
  sockaddr_un name{};
  socklen_t size = 0;
  Fd directory;  // keeps /proc/self/fd/N valid
};
Result<UnixAddress> unix_address(const std::string& path);

// Replaces a stale socket file. type: SOCK_SEQPACKET or SOCK_STREAM.
Result<Fd> listen_unix(const std::string& path, mode_t mode = 0600, int type = SOCK_SEQPACKET);
// EAGAIN: there is a listener, but its backlog is full.
Result<Fd> connect_unix(const std::string& path);
Result<Fd> accept_unix(int listener);
Result<Credentials> peer_credentials(int socket);

// fds are borrowed. If the peer is gone, Code::io with EPIPE, never a signal. text must not begin with a zero byte.
Result<> send_message(int socket, std::string_view text, std::span<const int> fds = {});
// nullopt at the end of the stream. On a non-blocking socket without data: Code::busy (EAGAIN).
Result<std::optional<Message>> receive_message(int socket);

}  // namespace consort
