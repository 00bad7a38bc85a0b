// Turns tokens into trees: resolves anchors, aliases and merge keys, types scalars, finds duplicate keys, enforces
// limits.
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

// A key that is not a string, which Compose does not allow.
struct BadKey {
  std::string text;
  std::string parent;  // dotted path of the mapping
  Place place;
};

struct Documents {
  std::vector<Node> roots;  // one per document; empty if the text has none
  std::vector<Duplicate> duplicates;
  std::vector<BadKey> bad_keys;
  std::vector<BadKey> lonely_tags;  // "!secret" without a value after it
  std::optional<Problem> problem;   // roots then contains the documents before it
};

// The maximum number of values in a text, including expanded aliases and the values they copy: far more than is normal
// for the size, but few enough that a text of 1 MB needs less than 256 MiB.
constexpr std::size_t node_limit(std::size_t bytes) {
  return 150'000 + bytes / 10;
}
inline constexpr std::size_t text_limit = 16U << 20;  // bytes

// `source` is stored in every Place.
Documents parse(std::string_view text, std::uint32_t source);

// Determines kind and value of a plain scalar by the rules of YAML 1.2, plus those of 1.1 that Compose files rely on.
void resolve_plain(Node& scalar);
// Whether a text written as a plain scalar would be read back as a string.
bool resolves_to_string(std::string_view text);

}  // namespace consort::compose::yaml
