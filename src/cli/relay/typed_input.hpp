// What a user types, on its way to a terminal elsewhere.
#pragma once

#include <string>
#include <utility>

#include "base/detach_keys.hpp"
#include "cli/relay/patience.hpp"
#include "cli/relay/terminal_mode.hpp"

namespace consort::cli {

class TypedInput {
 public:
  // patience hears of Ctrl-C.
  TypedInput(DetachKeys keys, Patience& patience) : keys_(std::move(keys)), patience_(patience) {}

  // For Flow::set_filter(). False: the detach keys were typed; they and what follows are not passed on.
  bool pass(std::string& typed) {
    if (typed.contains(interrupt_key)) patience_.typed_interrupt();
    auto filtered = keys_.feed(typed);
    typed = std::move(filtered.text);
    return !filtered.detached;
  }

 private:
  DetachKeys keys_;
  Patience& patience_;
};

}  // namespace consort::cli
