// Finds the key sequence that detaches a terminal session ("ctrl-p,ctrl-q", "a,b") in what the user types. The program
// in the container keeps running.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort {

class DetachKeys {
 public:
  DetachKeys() = default;  // Docker's default: Ctrl-P Ctrl-Q
  // Code::invalid if the text names an unknown key. "" selects Docker's default.
  static Result<DetachKeys> parse(std::string_view keys);
  struct Filtered {
    std::string text;  // to be passed on; a partial match of the sequence is held back until the next key
    bool detached = false;
  };
  Filtered feed(std::string_view typed);

 private:
  std::string sequence_ = "\x10\x11";
  std::size_t matched_ = 0;
};

}  // namespace consort
