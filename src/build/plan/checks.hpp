// Build checks: valid but probably unintended things in a Dockerfile. The rules, their names, texts and documentation
// pages are those of `docker build --check`.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "build/build.hpp"
#include "build/dockerfile/commands.hpp"

namespace consort::build {

enum class Rule : std::uint8_t {
  stage_name_casing,
  from_as_casing,
  no_empty_continuation,
  consistent_instruction_casing,
  duplicate_stage_name,
  reserved_stage_name,
  json_args_recommended,
  maintainer_deprecated,
  undefined_arg_in_from,
  workdir_relative_path,
  undefined_var,
  multiple_instructions_disallowed,
  legacy_key_value_format,
  redundant_target_platform,
  secrets_used_in_arg_or_env,
  invalid_default_arg_in_from,
  from_platform_flag_const_disallowed,
  copy_ignored_file,
  invalid_base_image_platform,
  expose_proto_casing,
  expose_invalid_format,
  invalid_definition_description,
};

// Collects warnings. Honours "# check=skip=RuleA,RuleB;error=true" in the Dockerfile; some rules apply only if enabled
// with "# check=experimental=RuleC".
class Checks {
 public:
  static Result<Checks> of(const Dockerfile& dockerfile);
  void add(Rule rule, const Range& range, std::string message);
  const std::vector<Warning>& warnings() const { return warnings_; }
  bool is_error() const { return error_ && !warnings_.empty(); }  // check=error=true

 private:
  explicit Checks(std::string file) : file_(std::move(file)) {}
  std::string file_;
  bool error_ = false;
  bool skip_all_ = false, experimental_all_ = false;
  std::set<std::string> skip_, experimental_;
  std::vector<Warning> warnings_;
};

// Checks that only need the text: casing, names, secrets, legacy forms.
void check_text(const Dockerfile& dockerfile, const BuildFile& file, Checks& checks);
bool looks_like_secret(std::string_view name);

}  // namespace consort::build
