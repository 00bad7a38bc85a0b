// The place in which everything of a non-root user runs: a user namespace, in which that user is root, with a mount
// namespace and a network namespace of its own. There is one per run root; consort-place keeps it while it is in use
// (docs/decisions/0115). A command enters it at its start (enter()); all other code is the same as for root, except for
// the functions below.
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

// Whether this is a non-root user's process that is not in a place yet.
bool is_needed();

// Why a place would have only one user, root, and the command that fixes it; empty if all of the user's subordinate IDs
// are available.
struct MissingIds {
  std::string why, command;
};
MissingIds missing_ids();  // call it outside a place

// Shown to the user once, because it affects what containers can do.
struct Entered {
  std::vector<std::string> notes;
};
// Creates the place if there is none and moves the calling process, which must be single-threaded, into its user and
// mount namespaces; the process stays on the host's network. The roots are pinned in the environment, so that they look
// like root's afterwards.
Result<Entered> enter(const Roots& roots);

// A connection to the place's keeper; while it is open, the place exists. Without a place (root's roots have none) it
// is empty, and everything below behaves as for root.
class Place {
 public:
  static Result<Place> connect(const Roots& roots);
  Place() = default;

  explicit operator bool() const { return static_cast<bool>(socket_); }
  int network() const { return network_.get(); }  // its network namespace
  int socket() const { return socket_.get(); }

  // Calls `work` in the network namespace of the containers' bridges, firewall rules and veth pairs: in a new thread,
  // since a command is on the host's network and a thread that has left it cannot return. The thread ends with the
  // call.
  template <typename Work>
  auto run(Work&& work) const -> std::invoke_result_t<Work>;

  // PID of the place's keeper, a process on the host's network.
  pid_t keeper() const;

  // The next two reconnect if the keeper has been replaced.

  // Connects the place to the outside, unless it is. An error says what containers can't reach, and the command that
  // fixes it.
  Result<> link() const;

  // A non-blocking socket on the host's network. With a name, it is bound to it and, if a stream, listens. The error
  // has the errno.
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
