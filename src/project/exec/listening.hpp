// Whether somebody heeds the user's wish to stop (SIGINT, SIGTERM). What comes while nobody does ends the program on
// the spot: a prompt, a lock that another command holds, a look at a supervisor that does not answer need no code of
// their own for it. That is safe wherever a kill is, which is everywhere.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "project/exec/cancellation.hpp"

namespace consort::project {

// For as long as it lives, signals are to become bytes in the interrupt descriptor instead. Its owner takes one at
// once, and then listens no more unless the next one, too, means something to it.
class Listening {
 public:
  Listening();
  ~Listening();
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  static bool anybody();  // async-signal-safe
};

// Listens, and calls `action` in a thread of its own should an interrupt come while it lives. Only the first.
class OnInterrupt {
 public:
  static Result<std::unique_ptr<OnInterrupt>> create(int interrupt_fd, std::function<void()> action);
  ~OnInterrupt();
  OnInterrupt(const OnInterrupt&) = delete;
  OnInterrupt& operator=(const OnInterrupt&) = delete;

 private:
  OnInterrupt(int interrupt_fd, Fd done, std::function<void()> action);
  void wait();

  int interrupt_fd_;
  Fd done_;
  std::function<void()> action_;
  std::optional<Listening> listening_;  // from the beginning, however late the thread runs; it ends it
  std::thread thread_;
};

// Passes the first interrupt on as the user's wish to what works without looking at descriptors. The next one ends the
// program on the spot: what it leaves then is what a kill leaves, and the next command sweeps it. Both are borrowed.
Result<std::unique_ptr<OnInterrupt>> cancel_on_interrupt(int interrupt_fd, const Cancellation& cancel);

// Takes one signal from the descriptor.
void take_interrupt(int interrupt_fd);

}  // namespace consort::project
