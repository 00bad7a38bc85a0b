// Of which kind the values in clients' JSON are. A value of another kind is refused, as by Docker: a limit that is
// written as text must not become no limit.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/json.hpp"

namespace consort::serve {

// words: a list of texts, or one alone (old clients).
enum class ValueKind : std::uint8_t { text, number, truth, texts, words, objects, map_of_texts, object, numbers };
enum class Changed : std::uint8_t { no, update };  // update: by POST /containers/{id}/update

struct KnownKey {
  std::string_view name;
  ValueKind kind;
  Changed changed = Changed::no;
};

// Null is of every kind: it says nothing.
bool is_of(ValueKind kind, const Json& value);
// What the keys do not name may be anything. inside: where the object stands, "HostConfig"; "": it is the body itself.
Result<> check_kinds(std::span<const KnownKey> keys, const Json& object, std::string_view inside = {});

}  // namespace consort::serve
