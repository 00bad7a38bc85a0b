// The process that creates a container with --rm holds it until it ends, and removes it. If that process was killed,
// this starts the command-line program to do it: records are in the database, which the supervisor cannot access.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "supervisor/loop/context.hpp"
#include "supervisor/unit.hpp"

namespace consort::supervisor {

class EndedRemover {
 public:
  explicit EndedRemover(Context& context) : context_(context) {}
  EndedRemover(const EndedRemover&) = delete;
  EndedRemover& operator=(const EndedRemover&) = delete;

  // It is not running and will not start by itself.
  void on_ended(const ContainerUnit& unit);
  // For containers that have ended and whose holder may be killed before removing them.
  bool is_waiting() const;

 private:
  void ask(const std::string& id, std::chrono::seconds patience);
  bool is_left(const std::string& id) const;
  void start();

  Context& context_;
  std::map<std::string, EventLoop::Token> asked_again_;  // by container ID
  bool wanted_ = false;  // one program removes all containers that have ended when it checks
};

}  // namespace consort::supervisor
