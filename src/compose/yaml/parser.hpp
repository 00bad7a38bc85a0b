// Tokens to trees: anchors, aliases and merge keys resolved, scalars typed, duplicate keys found, limits kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compose/node.hpp"
#include "compose/yaml/token.hpp"

namespace consort::compose::yaml {

struct Duplicate {
  std::string key;
  Place first;
  Place second;
};

// A key that is not a string: Compose has no use for one.
struct BadKey {
  std::string text;
  std::string parent;  // dotted path of the mapping
  Place place;
};

struct Documents {
  std::vector<Node> roots;  // one for each document; empty for a text without any
  std::vector<Duplicate> duplicates;
  std::vector<BadKey> bad_keys;
  std::vector<BadKey> lonely_tags;  // "!secret" without a value behind it
  std::optional<Problem> problem;   // roots then holds the documents before it
};

// Values that a text may have, aliases expanded and what they copy from: far more than people write in one of its size,
// and few enough that a text of 1 MB takes no 256 MiB.
constexpr std::size_t node_limit(std::size_t bytes) {
  return 150'000 + bytes / 10;
}
inline constexpr std::size_t text_limit = 16U << 20;  // bytes

// `source` goes into every Place.
Documents parse(std::string_view text, std::uint32_t source);

// The kind and value of a plain scalar by the rules of YAML 1.2 with the leftovers of 1.1 that Compose files rely on.
void resolve_plain(Node& scalar);
// Whether a text, written plain, would be read back as something else than a string.
bool resolves_to_string(std::string_view text);

}  // namespace consort::compose::yaml
