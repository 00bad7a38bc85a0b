// Help for validation errors: the nearest known key, where a key would be valid, an example.
#pragma once

#include <optional>
#include <string>

#include "compose/internal/reporter.hpp"
#include "compose/schema.hpp"

namespace consort::compose {

std::string type_names(const Shape& shape);  // "boolean or string", in Docker's wording
std::string kind_text(const Node& node);     // "a list", "the number 5", "nothing"

void explain_wrong_type(Diagnostic& made, const Node& node, const Shape& shape, const Path& path, Reporter& reporter);
void explain_unknown_key(Diagnostic& made, const Node& parent, const Entry& entry, const Shape& shape, const Path& path,
                         Reporter& reporter);
void explain_missing_key(Diagnostic& made, std::string_view key, const Shape& shape);
void explain_bad_name(Diagnostic& made, const Entry& entry, Reporter& reporter);
void explain_choice(Diagnostic& made, const Node& node, const Shape& shape, Reporter& reporter);

// The probable meaning of a value in the wrong format: "30sec" -> "30s".
std::optional<std::string> better_duration(std::string_view text);
std::optional<std::string> better_size(std::string_view text);
std::optional<std::string> better_number(std::string_view text);

// "did you mean" for user-defined names (services, networks, ...): adds help and a guessed or certain fix.
void suggest_name(Diagnostic& made, std::string_view name, const std::vector<std::string>& known, Place place,
                  Reporter& reporter);

// Whether this key is commonly used, in other tools or older files, for one that the shape has.
bool known_alias(std::string_view key, const Shape& shape);

// Paths ("services.*.build.args") where the schema has this key, best match first, at most `limit`.
std::vector<std::string> places_of_key(std::string_view key, std::size_t limit);

}  // namespace consort::compose
