// How to tell that a step would do again what it did before: a list of everything it can see, named, so that a miss can
// be explained. The key is the digest of the list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "build/plan/operations.hpp"

namespace consort::build {

struct KeyPart {
  std::string name;    // "base", "instruction", "variable PATH", "files of ."
  std::string digest;  // or a short value
  std::string list;    // files: one line each, for the explanation; not part of the key
};

class StepKey {
 public:
  void add(std::string name, std::string value) { parts_.push_back({std::move(name), std::move(value), {}}); }
  const std::vector<KeyPart>& parts() const { return parts_; }
  // The list of a part that is there already: it is long, and only a miss needs it.
  void set_list(std::string_view name, std::string list);
  std::string digest() const;

  std::string to_json() const;
  static std::vector<KeyPart> from_json(std::string_view text);  // empty if it is damaged

 private:
  std::vector<KeyPart> parts_;
};

// What the operation itself says; files and base are added by whoever can read them.
void describe(const Operation& operation, StepKey& key);

// What is not as it was, the base last: "file app/views.py changed"; "" if nothing is.
std::string changes_between(const std::vector<KeyPart>& before, const std::vector<KeyPart>& now);
// Why the key is another one: "file app/views.py changed". before empty: "it has not been built here before".
std::string explain(const std::vector<KeyPart>& before, const std::vector<KeyPart>& now);

}  // namespace consort::build
