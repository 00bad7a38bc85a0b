// Merges several files into one: applies each attribute's rule, then removes entries replaced by later ones.
#pragma once

#include <functional>

#include "compose/internal/reporter.hpp"

namespace consort::compose {

// Notified of values that are replaced during a merge; for provenance.
class MergeListener {
 public:
  virtual ~MergeListener() = default;
  virtual void overridden(const std::string& path, const Node& before, const Node& after) = 0;
};

// Merges `override` over `base` in place; `at` is the path of both (empty for whole files). `listener` may be null.
void merge(Node& base, Node override, Path& at, Reporter& reporter, MergeListener* listener = nullptr);

// For sequences whose items have a key: a later item replaces an earlier one with the same key.
void enforce_unicity(Node& root);
// Visits what enforce_unicity() cannot compare: items that are not strings, in lists keyed by their strings.
void visit_keyless_items(const Node& root, const std::function<void(const Node& item, const Path& at)>& visit);
// For JSON: Docker Compose prints an empty list as null, unless enforce_unicity() has processed it.
void empty_lists_to_null(Node& root);

struct MergeRule {
  std::string_view pattern;
  std::string_view rule;
};
std::span<const MergeRule> merge_rules();  // for the documentation

}  // namespace consort::compose
