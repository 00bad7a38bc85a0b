// COPY --chmod: "0644", or symbolic as BSD's chmod(1) takes it, which BuildKit follows: "u=rwX,go=rX", "+x", "g=u".
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::build {

class ModeChange {
 public:
  // Errors with BuildKit's words for numbers out of range.
  static Result<ModeChange> parse(std::string_view text);
  // What directories on the way to a destination get: what mkdir(2) makes of the number, or 0755 if the change is
  // symbolic.
  mode_t for_new_folder() const { return numeric_ ? number_ & 0755 : 0755; }
  mode_t apply(mode_t mode) const;  // with the type bits, which stay

 private:
  struct Clause {
    mode_t who = 0;  // 0700, 0070, 0007 and the special bits that go with them; 0: none was named
    char op = '=';
    mode_t bits = 0;                   // rwx and special bits for all
    bool conditional_execute = false;  // X
    std::string copied;                // "ugo": the bits that these have now
    bool add(char permission);         // false if there is none of that name
  };
  bool numeric_ = false;
  mode_t number_ = 0;
  std::vector<Clause> clauses_;
};

}  // namespace consort::build
