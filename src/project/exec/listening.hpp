// Tracks whether the program handles the user's request to stop (SIGINT, SIGTERM). A signal that arrives while nothing
// listens terminates the program at once, so that prompts, waits for locks and calls to an unresponsive supervisor need
// no code for it. That is safe because a kill is safe everywhere.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "project/exec/cancellation.hpp"

namespace consort::project {

// While it exists, signals are converted to bytes in the interrupt descriptor. The owner reads one at once, and then
// stops listening unless the next one also has a meaning.
class Listening {
 public:
  Listening();
  ~Listening();
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  static bool anybody();  // async-signal-safe
};

// Listens and, when an interrupt arrives while it exists, calls `action` in a new thread. Only for the first interrupt.
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
  std::optional<Listening> listening_;  // from the beginning, even if the thread starts late; the thread ends it
  std::thread thread_;
};

// Passes the first interrupt on as the user's cancellation, for work that polls no descriptors. The next one terminates
// the program at once; the next command sweeps what it leaves, as after a kill. Both are borrowed.
Result<std::unique_ptr<OnInterrupt>> cancel_on_interrupt(int interrupt_fd, const Cancellation& cancel);

// Reads one signal from the descriptor.
void take_interrupt(int interrupt_fd);

}  // namespace consort::project
