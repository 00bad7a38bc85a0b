// Containers that go when they end (`run --rm`) are removed by who has made them, who holds them until then. If he does
// not live to see it, the program of the commands is started to do it: records are the database's, which is not ours.
#pragma once

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

 private:
  void start();

  Context& context_;
  bool wanted_ = false;  // one program removes all that have ended when it looks
};

}  // namespace consort::supervisor
