// The open connections, each with its thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>

#include "base/os/fd.hpp"
#include "serve/room.hpp"

namespace consort::serve {

class Service;

class Connections {
 public:
  static constexpr std::size_t most = 512;    // beyond them, somebody makes room for who comes, or he is refused
  static constexpr std::size_t leaving = 64;  // of those that made room, whose threads have not ended yet

  explicit Connections(Service& service);
  ~Connections();  // waits for the threads; to avoid that, exit the program instead
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  bool make_room(Peer peer);  // false: there is none for one more of theirs
  void add(Fd client, Peer peer);
  std::size_t count() const;
  int last_gone_fd() const { return last_gone_.get(); }  // readable when the last one has gone
  void acknowledge() const;                              // empties it

 private:
  struct Entry {
    Holder holder;
    int fd = -1;       // of the client, as long as its thread has it open
    bool cut = false;  // has made room
  };
  using Place = std::list<Entry>::iterator;

  void serve(Fd client, Place place);
  void set_idle(Place place, bool idle);
  void done(Place place);
  bool room_for(Peer peer);  // with mutex_ held

  Service& service_;
  Fd last_gone_;  // eventfd
  mutable std::mutex mutex_;
  std::condition_variable none_left_;
  std::list<Entry> entries_;
};

}  // namespace consort::serve
