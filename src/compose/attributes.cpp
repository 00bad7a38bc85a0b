// The table of all attributes, for the documentation: built from the shapes used for validation and the rules for
// merging.
#include <string>

#include "compose/compose.hpp"
#include "compose/passes/merge.hpp"
#include "compose/schema.hpp"

namespace consort::compose {

namespace {

std::string merge_text(const std::string& path, const Shape& shape) {
  for (const MergeRule& rule : merge_rules()) {
    std::string pattern(rule.pattern);
    if (pattern == path) return std::string(rule.rule);
  }
  if (shape.types & type::mapping) return "merged key by key";
  if (shape.types & type::sequence) return "appended";
  return "replaced";
}

void collect(const Shape& shape, const std::string& path, int depth, std::vector<AttributeRow>& rows) {
  if (depth > 10) return;
  const std::string prefix = path.empty() ? "" : path + ".";
  for (const Field& field : shape.fields) {
    if (told_of_service(shape, field)) continue;
    const std::string at = prefix + std::string(field.key);
    rows.push_back(AttributeRow{at, std::string(field.shape->name), merge_text(at, *field.shape),
                                std::string(field.since), std::string(field.note)});
    collect(*field.shape, at, depth + 1, rows);
  }
  if (shape.item) collect(*shape.item, path + ".[]", depth + 1, rows);
  if (shape.value) collect(*shape.value, prefix + "*", depth + 1, rows);
}

}  // namespace

std::vector<AttributeRow> attribute_table() {
  std::vector<AttributeRow> rows;
  collect(root_shape(), "", 0, rows);
  return rows;
}

}  // namespace consort::compose
