// COPY --chmod: "0644", or symbolic modes as in BSD's chmod(1), which BuildKit follows: "u=rwX,go=rX", "+x", "g=u".
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::build {

class ModeChange {
 public:
  // Errors are in BuildKit's words for numbers out of range.
  static Result<ModeChange> parse(std::string_view text);
  // The mode of directories created on the way to a destination: the number as mkdir(2) would apply it, or 0755 if the
  // change is symbolic.
  mode_t for_new_directory() const { return numeric_ ? number_ & 0755 : 0755; }
  mode_t apply(mode_t mode) const;  // mode includes the file type bits, which are kept

 private:
  struct Clause {
    mode_t who = 0;  // 0700, 0070, 0007 and their special bits; 0: none was named
    char op = '=';
    mode_t bits = 0;                   // rwx and special bits for all classes
    bool conditional_execute = false;  // X
    std::string copied;                // "ugo": copies the current bits of these classes
    bool add(char permission);         // false if there is no such permission
  };
  bool numeric_ = false;
  mode_t number_ = 0;
  std::vector<Clause> clauses_;
};

}  // namespace consort::build
