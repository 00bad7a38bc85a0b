// Small text helpers that the standard library of g++ 12 lacks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace consort {

std::vector<std::string> split(std::string_view text, char separator);  // "a,,b" has three parts; "" has one
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string_view trim(std::string_view text);  // ASCII white space at both ends
std::string to_lower(std::string_view text);   // ASCII
std::string to_upper(std::string_view text);
std::string replace_all(std::string text, std::string_view from, std::string_view to);
bool is_hex(std::string_view text);

// The whole text as a decimal number; nullopt for anything else, including a sign (unsigned) and overflow.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);
std::optional<std::int64_t> parse_signed(std::string_view text);

// The closest known name, for "did you mean": within a third of the length; a transposition counts as one edit.
std::optional<std::string> nearest(std::string_view name, std::span<const std::string> known);

// 64 random hexadecimal digits (getrandom): IDs of containers, networks and anonymous volumes.
std::string random_id();

// "'it'\''s'": a word that a POSIX shell reads back unchanged; plain words are not quoted.
std::string shell_quote(std::string_view word);

}  // namespace consort
