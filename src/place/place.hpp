// The place in which everything of a user who is not root runs: a user namespace, in which that user is root, with a
// mount namespace and a network namespace of its own. There is one for each run root; consort-place keeps it while
// somebody is in it (docs/decisions/0115). A command enters it at its start (enter()); all other code is the same as
// for root, but for what is below.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/os/fd.hpp"
#include "base/roots.hpp"

namespace consort::place {

struct Answer;
struct Message;

// Somebody who is not root on this machine, and not in a place yet.
bool is_needed();

// Why a place would have one user only, root, and what to type; empty when all of the user's ids can be had.
struct MissingIds {
  std::string why, command;
};
MissingIds missing_ids();  // asked outside of a place

// What the user is told once, because it makes a difference to what containers can do.
struct Entered {
  std::vector<std::string> notes;
};
// Makes the place if there is none. The calling process, which must have one thread, is in its user and mount namespace
// from then on, but on the host's network. Its roots are pinned in the environment: it looks like root's afterwards.
Result<Entered> enter(const Roots& roots);

// A connection to who keeps the place; while it is there, the place is. Without a place (root's roots have none) it is
// empty, and everything below does what it would do for root.
class Place {
 public:
  static Result<Place> connect(const Roots& roots);
  Place() = default;

  explicit operator bool() const { return static_cast<bool>(socket_); }
  int network() const { return network_.get(); }  // its network namespace
  int socket() const { return socket_.get(); }

  // Calls `work` where the bridges, firewall rules and cables of containers are: a command is on the host's network,
  // and no thread that has left that can return. What it does there ends with it.
  template <typename Work>
  auto run(Work&& work) const -> std::invoke_result_t<Work>;

  // Who keeps the place: a process on the host's network.
  pid_t keeper() const;

  // The next two connect again when the keeper's process is another than before.

  // Connects the place to the outside, unless it is. An error says what containers cannot reach then, and what to type.
  Result<> link() const;

  // A socket of the host's network, non-blocking. With a name it is bound to that, and a stream listens. The error
  // carries the errno.
  Result<Fd> open_socket(int family, int type, const void* name = nullptr, socklen_t size = 0) const;

 private:
  Result<> enter_network() const;
  Result<> connect_again() const;
  Result<Answer> ask(const Message& wish, std::chrono::milliseconds patience) const;
  mutable Fd socket_;
  Fd network_;
  Roots roots_;
};

template <typename Work>
auto Place::run(Work&& work) const -> std::invoke_result_t<Work> {
  if (!*this) return work();
  std::invoke_result_t<Work> result;
  std::thread([&] {
    if (Result<> entered = enter_network(); entered)
      result = work();
    else
      result = std::unexpected(std::move(entered).error());
  }).join();
  return result;
}

}  // namespace consort::place
