// The keys that end a session at a terminal and leave its program alone ("ctrl-p,ctrl-q", "a,b"), looked for in what is
// typed.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort {

class DetachKeys {
 public:
  DetachKeys() = default;  // Docker's: Ctrl-P Ctrl-Q
  // Code::invalid for keys that there are not. "": Docker's.
  static Result<DetachKeys> parse(std::string_view keys);
  struct Filtered {
    std::string text;  // to be passed on; the beginning of the sequence is held back until the next key
    bool detached = false;
  };
  Filtered feed(std::string_view typed);

 private:
  std::string sequence_ = "\x10\x11";
  std::size_t matched_ = 0;
};

}  // namespace consort
