// Interpolates one string: $X, ${X}, ${X:-default}, ${X:?error}, ${X:+replacement}, $$.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::compose {

// The value of a variable, or null if it is not set. The pointer must remain valid only until the next call.
using Lookup = std::function<const std::string*(std::string_view name)>;

struct TemplateUse {
  std::string name;
  std::string op;    // "", ":-", "-", ":?", "?", ":+", "+"
  std::string word;  // the text after the operator, as written
  bool set = false;
};

enum class TemplateFault : std::uint8_t { none, invalid, required, too_long };

struct TemplateResult {
  std::string text;
  TemplateFault fault = TemplateFault::none;
  std::string fault_text;          // required: "required variable X is missing a value: message"; too_long: the text
  std::string fault_name;          // the required variable
  std::size_t fault_offset = 0;    // of the faulty expression within the string
  std::vector<std::string> unset;  // variables that default to a blank string, one entry per occurrence
  std::vector<TemplateUse> uses;
};

inline constexpr std::size_t value_limit = std::size_t{4} << 20;  // bytes of one value after substitution

// The next variable reference in the text at or after `at`, which is set to its end, whether or not the variable can be
// substituted. Variables nested in its word are left to the caller.
std::optional<TemplateUse> next_template_use(std::string_view text, std::size_t& at);
// Defaults, alternatives and messages are evaluated only if needed, as in Docker Compose since 5.0.
TemplateResult substitute(std::string_view text, const Lookup& lookup);

}  // namespace consort::compose
