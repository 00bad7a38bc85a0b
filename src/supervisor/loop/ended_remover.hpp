// Containers that go when they end (`run --rm`) are removed by the process that created them, which holds them until
// then. If that process was killed, the command-line program is started to do it: records are in the database, to which
// the supervisor has no access.
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

  // It no longer runs, and will not by itself.
  void on_ended(const ContainerUnit& unit);
  // For an owner that holds a container that has ended, and may be killed before removing it.
  bool is_waiting() const;

 private:
  void ask(const std::string& id, std::chrono::seconds patience);
  bool is_left(const std::string& id) const;
  void start();

  Context& context_;
  std::map<std::string, EventLoop::Token> asked_again_;  // by id of the container
  bool wanted_ = false;                                  // one program removes all that have ended when it looks
};

}  // namespace consort::supervisor
