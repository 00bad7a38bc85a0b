// The entries that a mapping contains, and those that `<<` merges into it.
#include <algorithm>

#include "compose/yaml/tree_builder.hpp"

namespace consort::compose::yaml {

bool TreeBuilder::add_entry(Node& mapping, Node key, Node value, Position at) {
  if (key.place.line == 0) key.place = place(at, at);
  if (!key.is_scalar()) {
    return fail("", at, "invalid map key: a list or mapping cannot be a key", at);
  }
  if (key.kind != Kind::string) {
    if (out_.bad_keys.size() < duplicate_limit) {
      out_.bad_keys.push_back(BadKey{key.kind == Kind::null ? "<nil>" : key.scalar_text(), {}, key.place});
    }
    if (key.kind == Kind::null) key.text = "null";
  }
  if (const Entry* first = mapping.entry(key.text)) {
    if (out_.duplicates.size() < duplicate_limit) {
      out_.duplicates.push_back(Duplicate{key.text, first->place, key.place});
    }
    return true;
  }
  mapping.entries.push_back(Entry{std::move(key.text), key.place, std::move(value)});
  return true;
}

// Called at the end of every mapping.
bool TreeBuilder::merge(Node& mapping) {
  Entry* found = mapping.entry("<<");
  if (!found) return true;
  const Place at = found->place;
  const Node from = std::move(found->value);
  mapping.erase("<<");
  return merge_from(mapping, from, at);
}

bool TreeBuilder::merge_from(Node& mapping, const Node& from, Place at) {
  if (from.is_mapping()) {
    for (const Entry& entry : from.entries) {
      if (Entry* own = mapping.entry(entry.key)) {
        if (own->value.directive != Directive::reset) continue;
        // `key: !reset` next to `<<`: drops the values of earlier files, but keeps those that are merged here.
        own->value = entry.value;
        own->value.directive = Directive::override_;
        own->value.alias_copy = true;
        continue;
      }
      mapping.entries.push_back(entry);
      mapping.entries.back().value.alias_copy = true;
    }
    return true;
  }
  if (from.is_sequence()) {
    for (const Node& item : from.items) {
      if (item.is_sequence() || !item.is_mapping()) break;
      if (!merge_from(mapping, item, at)) return false;
    }
    const bool all = std::ranges::all_of(from.items, [](const Node& item) { return item.is_mapping(); });
    if (all) return true;
  }
  Position position;
  position.line = at.line - 1;
  position.column = at.column - 1;
  return fail("", position, "map merge requires map or sequence of maps as the value", position);
}

}  // namespace consort::compose::yaml
