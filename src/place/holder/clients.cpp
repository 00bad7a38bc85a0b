// consort-place: the connected clients and the answers to them.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "place/holder/holder.hpp"

namespace consort::place {

void send_message(int socket, const Message& message, const int* fds, int count) {
  iovec part{const_cast<Message*>(&message), sizeof message};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))] = {};
  if (count > 0) {
    const size_t size = static_cast<size_t>(count) * sizeof(int);
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(size);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(rights), fds, size);
  }
  // A client that does not read its single answer loses it.
  (void)::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void answer(int socket, int error, const char* text) {
  Message message;
  message.kind = error == 0 && text == nullptr ? Kind::done : Kind::failed;
  message.error = error;
  if (text != nullptr) snprintf(message.text, sizeof message.text, "%s", text);
  send_message(socket, message, nullptr, 0);
}

void drop(Holder& holder, int index) {
  ::close(holder.clients[index]);
  --holder.count;
  holder.clients[index] = holder.clients[holder.count];
  holder.awaits_link[index] = holder.awaits_link[holder.count];
}

// Accepts only this user's processes outside the namespace, or root's inside it, which is the same user.
void accept_client(Holder& holder) {
  const int socket = ::accept4(holder.listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket < 0) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
  if (!known || holder.count == most_clients) {
    ::close(socket);
    return;
  }
  Message welcome;
  const int namespaces[3] = {user_fd, mount_fd, network_fd};
  send_message(socket, welcome, namespaces, 3);
  holder.awaits_link[holder.count] = false;
  holder.clients[holder.count++] = socket;
}

}  // namespace consort::place
