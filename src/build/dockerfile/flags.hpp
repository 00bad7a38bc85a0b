// Checks the flags of an instruction against those that it supports.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "build/dockerfile/ast.hpp"

namespace consort::build {

struct FlagRule {
  enum class Kind : std::uint8_t { text, flag, list } kind;
  std::string_view name;
};

class FlagSet {
 public:
  // Errors in BuildKit's words: unknown flag: --form (did you mean from?)
  static Result<FlagSet> check(const Instruction& instruction, std::initializer_list<FlagRule> rules);
  std::string text(std::string_view name) const;
  std::optional<bool> boolean(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;

 private:
  explicit FlagSet(const std::vector<Flag>& flags) : flags_(&flags) {}
  const std::vector<Flag>* flags_;
};

}  // namespace consort::build
