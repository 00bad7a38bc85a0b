// The parts of consort-place, and what they share. Only libc and no allocation: see holder_main.cpp.
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "place/holder/protocol.hpp"

namespace consort::place {

inline constexpr int most_clients = 1000;

enum class Link : unsigned char { none, starting, up, failed };

// What the next one who serves must know of the one before.
struct Shared {
  volatile bool link_up;  // written by whoever is the parent of the link's program
};

struct Holder {
  const char* path = nullptr;
  Shared* shared = nullptr;
  pid_t guard = 0;  // our parent
  char** link_argv = nullptr;
  int listener = -1;
  int signals = -1;
  int clients[most_clients];
  bool awaits_link[most_clients];
  int count = 0;
  ino_t socket_inode = 0;  // of our name; the directory may have been emptied, and another place be there
  ino_t user_namespace = 0;
  Link link = Link::none;
  pid_t link_starter = 0;  // pasta: ends when its daemon is ready. slirp4netns: says so on `link_ready`
  pid_t anchor_pid = 0;
  int anchor = -1;      // closed: the process that is inside meanwhile ends
  int link_words = -1;  // what it complains
  int link_ready = -1;  // slirp4netns
  char link_text[sizeof(Message::text)] = {};
  size_t link_text_size = 0;
};

// Those who are connected (clients.cpp).
void accept_client(Holder& holder);
void drop(Holder& holder, int index);
void send_message(int socket, const Message& message, const int* fds, int count);
void answer(int socket, int error, const char* text);  // text null and no error: done

// Sockets of the host's network (host_sockets.cpp): answers with one, bound as is wished.
void bind_for(int socket, const Message& wish);

// The link to the outside (link.cpp). Whoever awaits it is told when it is settled.
void start_link(Holder& holder);
void settle_link(Holder& holder, Link link);
void tell_of_link(Holder& holder, int index);
void hear_link(Holder& holder);   // what its program complains
void hear_ready(Holder& holder);  // slirp4netns

}  // namespace consort::place
