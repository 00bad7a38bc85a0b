// Interpolation of one string: $X, ${X}, ${X:-default}, ${X:?error}, ${X:+replacement}, $$.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::compose {

// The value of a variable, or null when it is not set. The pointer needs to live only until the next call.
using Lookup = std::function<const std::string*(std::string_view name)>;

struct TemplateUse {
  std::string name;
  std::string op;    // "", ":-", "-", ":?", "?", ":+", "+"
  std::string word;  // what stands after the operator, as written
  bool set = false;
};

enum class TemplateFault : std::uint8_t { none, invalid, required, too_long };

struct TemplateResult {
  std::string text;
  TemplateFault fault = TemplateFault::none;
  std::string fault_text;          // required: "required variable X is missing a value: message"; or what is too long
  std::string fault_name;          // the variable, of a required one
  std::size_t fault_offset = 0;    // of the faulty expression in the string
  std::vector<std::string> unset;  // names that were defaulted to a blank string, one per occurrence
  std::vector<TemplateUse> uses;
};

// The next variable that a text names at or behind `at`, which then stands behind it; whether or not it could be
// substituted. What is nested in its word is left to the caller.
inline constexpr std::size_t value_limit = std::size_t{4} << 20;  // bytes of one value after substitution

std::optional<TemplateUse> next_template_use(std::string_view text, std::size_t& at);
// Defaults, alternatives and messages are looked at only where they are needed, as Docker Compose does it from 5.0 on.
TemplateResult substitute(std::string_view text, const Lookup& lookup);

}  // namespace consort::compose
