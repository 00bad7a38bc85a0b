// Several files into one: the rule of each attribute, then the removal of entries that a later one replaces.
#pragma once

#include <functional>

#include "compose/internal/reporter.hpp"

namespace consort::compose {

// What the merge tells about values that were replaced; for provenance. May be null.
class MergeListener {
 public:
  virtual ~MergeListener() = default;
  virtual void overridden(const std::string& path, const Node& before, const Node& after) = 0;
};

// Merges `override` over `base` in place; `at` is the path of both (empty for whole files).
void merge(Node& base, Node override, Path& at, Reporter& reporter, MergeListener* listener = nullptr);

// Sequences whose items have a key: the later item replaces the earlier one with the same key.
void enforce_unicity(Node& root);
// What enforce_unicity() cannot compare: items that are no texts, of lists that go by the key of their texts.
void visit_keyless_items(const Node& root, const std::function<void(const Node& item, const Path& at)>& visit);
// For JSON: the original prints an empty list as null, unless enforce_unicity() looks at it.
void empty_lists_to_null(Node& root);

struct MergeRule {
  std::string_view pattern;
  std::string_view rule;
};
std::span<const MergeRule> merge_rules();  // for the documentation

}  // namespace consort::compose
