// Containers that go when they end (`run --rm`) are removed by who has made them, who holds them until then. If he does
// not live to see it, the program of the commands is started to do it: records are the database's, which is not ours.
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

  // It runs no more, and will not by itself.
  void on_ended(const ContainerUnit& unit);
  // For somebody who holds a container that has ended, and may die before he has removed it.
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
