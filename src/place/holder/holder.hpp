// The parts of consort-place and the state that they share. They use only libc and no allocation: see holder_main.cpp.
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "place/holder/protocol.hpp"

namespace consort::place {

inline constexpr int most_clients = 1000;

enum class Link : unsigned char { none, starting, up, failed };

// State that the next serving process needs from the previous one.
struct Shared {
  volatile bool link_up;  // written by the parent of the link's program
};

struct Holder {
  const char* path = nullptr;
  Shared* shared = nullptr;
  pid_t guard = 0;  // our parent process
  char** link_argv = nullptr;
  int listener = -1;
  int signals = -1;
  int clients[most_clients];
  bool awaits_link[most_clients];
  int count = 0;
  ino_t socket_inode = 0;  // of our socket's name, to notice that it was removed or now belongs to another place
  ino_t user_namespace = 0;
  Link link = Link::none;
  pid_t link_starter = 0;  // pasta: exits when its daemon is ready. slirp4netns: writes to `link_ready`
  pid_t anchor_pid = 0;
  int anchor = -1;      // closing it ends the process that is in the namespaces meanwhile
  int link_words = -1;  // the program's standard error
  int link_ready = -1;  // slirp4netns only
  char link_text[sizeof(Message::text)] = {};
  size_t link_text_size = 0;
};

// Connected clients (clients.cpp).
void accept_client(Holder& holder);
void drop(Holder& holder, int index);
void send_message(int socket, const Message& message, const int* fds, int count);
void answer(int socket, int error, const char* text);  // text null and error 0: done

// Sockets on the host's network (host_sockets.cpp): replies with a socket that is bound as requested.
void bind_for(int socket, const Message& wish);

// The link to the outside (link.cpp). Clients that wait for it are answered once its state is known.
void start_link(Holder& holder);
void settle_link(Holder& holder, Link link);
void tell_of_link(Holder& holder, int index);
void hear_link(Holder& holder);   // reads its program's standard error
void hear_ready(Holder& holder);  // slirp4netns only

}  // namespace consort::place
