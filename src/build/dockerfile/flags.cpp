#include "build/dockerfile/flags.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "build/dockerfile/suggest.hpp"

namespace consort::build {

Result<FlagSet> FlagSet::check(const Instruction& instruction, std::initializer_list<FlagRule> rules) {
  std::vector<std::string> seen;
  for (const auto& flag : instruction.flags) {
    const auto rule = std::ranges::find(rules, flag.name, &FlagRule::name);
    if (rule == rules.end()) {
      std::vector<std::string> names;
      for (const auto& known : rules) names.emplace_back(known.name);
      const auto near = suggestion(flag.name, names);
      return fail(
          Error(Code::invalid).why("unknown flag: --" + flag.name + (near ? " (did you mean " + *near + "?)" : "")));
    }
    if (rule->kind != FlagRule::Kind::list && std::ranges::find(seen, flag.name) != seen.end())
      return fail(Error(Code::invalid).why("duplicate flag specified: --" + flag.name));
    seen.push_back(flag.name);
    if (rule->kind == FlagRule::Kind::flag) {
      const std::string value = to_lower(flag.value);
      if (flag.has_value && value != "true" && value != "false") {
        return fail(
            Error(Code::invalid).why("expecting boolean value for flag --" + flag.name + ", not: " + flag.value));
      }
    } else if (!flag.has_value) {
      return fail(Error(Code::invalid).why("missing a value on flag: --" + flag.name));
    }
  }
  return FlagSet(instruction.flags);
}

std::string FlagSet::text(std::string_view name) const {
  for (const auto& flag : *flags_) {
    if (flag.name == name) return flag.value;
  }
  return {};
}

std::optional<bool> FlagSet::boolean(std::string_view name) const {
  for (const auto& flag : *flags_) {
    if (flag.name == name) return !flag.has_value || to_lower(flag.value) == "true";
  }
  return std::nullopt;
}

std::vector<std::string> FlagSet::list(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& flag : *flags_) {
    if (flag.name == name) values.push_back(flag.value);
  }
  return values;
}

}  // namespace consort::build
