// Types of values in clients' JSON. A value of the wrong type is refused, as in Docker: a limit written as text must
// not turn into no limit.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/json.hpp"

namespace consort::serve {

// words: a list of strings, or a single string (old clients).
enum class ValueKind : std::uint8_t { text, number, truth, texts, words, objects, map_of_texts, object, numbers };
enum class Changed : std::uint8_t { no, update };  // update: by POST /containers/{id}/update

struct KnownKey {
  std::string_view name;
  ValueKind kind;
  Changed changed = Changed::no;
};

// Null is valid for every type: it means unset.
bool is_of(ValueKind kind, const Json& value);
// Unknown keys may have any value. inside: the object's path, "HostConfig"; "": it is the body itself.
Result<> check_kinds(std::span<const KnownKey> keys, const Json& object, std::string_view inside = {});

}  // namespace consort::serve
