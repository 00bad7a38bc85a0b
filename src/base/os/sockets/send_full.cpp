#include "base/os/sockets/send_full.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace consort {

Result<> send_full(int socket, std::string_view bytes, int flags) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | flags);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail_errno("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

}  // namespace consort
