// Cache keys of steps: a named list of everything that a step can see, so that a cache miss can be explained. The key
// is the digest of the list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "build/plan/operations.hpp"

namespace consort::build {

struct KeyPart {
  std::string name;    // "base", "instruction", "variable PATH", "files of ."
  std::string digest;  // or a short value
  std::string list;    // for files: one line each, for explanations; not part of the key
};

class StepKey {
 public:
  void add(std::string name, std::string value) { parts_.push_back({std::move(name), std::move(value), {}}); }
  const std::vector<KeyPart>& parts() const { return parts_; }
  // Adds the list to an existing part; it is long and needed only after a miss.
  void set_list(std::string_view name, std::string list);
  std::string digest() const;

  std::string to_json() const;
  static std::vector<KeyPart> from_json(std::string_view text);  // empty if damaged

 private:
  std::vector<KeyPart> parts_;
};

// Adds what the operation itself contains; the caller adds files and base.
void describe(const Operation& operation, StepKey& key);

// What changed, base last: "file app/views.py changed"; "" if nothing did.
std::string changes_between(const std::vector<KeyPart>& before, const std::vector<KeyPart>& now);
// Why the key differs: "file app/views.py changed". If before is empty: "it has not been built here before".
std::string explain(const std::vector<KeyPart>& before, const std::vector<KeyPart>& now);

}  // namespace consort::build
