#include "build/plan/checks.hpp"

#include <algorithm>
#include <array>

#include "base/go_bool.hpp"
#include "base/strings.hpp"

namespace consort::build {
namespace {

struct RuleInfo {
  Rule rule;
  std::string_view name;
  std::string_view summary;
  std::string_view page;  // below docs.docker.com/go/dockerfile/rule/
  bool experimental = false;
};
constexpr std::array<RuleInfo, 22> rules{{
    {Rule::stage_name_casing, "StageNameCasing", "Stage names should be lowercase", "stage-name-casing"},
    {Rule::from_as_casing, "FromAsCasing", "The 'as' keyword should match the case of the 'from' keyword",
     "from-as-casing"},
    {Rule::no_empty_continuation, "NoEmptyContinuation",
     "Empty continuation lines will become errors in a future release", "no-empty-continuation"},
    {Rule::consistent_instruction_casing, "ConsistentInstructionCasing",
     "All commands within the Dockerfile should use the same casing (either upper or lower)",
     "consistent-instruction-casing"},
    {Rule::duplicate_stage_name, "DuplicateStageName", "Stage names should be unique", "duplicate-stage-name"},
    {Rule::reserved_stage_name, "ReservedStageName", "Reserved words should not be used as stage names",
     "reserved-stage-name"},
    {Rule::json_args_recommended, "JSONArgsRecommended",
     "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
     "json-args-recommended"},
    {Rule::maintainer_deprecated, "MaintainerDeprecated",
     "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
     "maintainer-deprecated"},
    {Rule::undefined_arg_in_from, "UndefinedArgInFrom", "FROM command must use declared ARGs", "undefined-arg-in-from"},
    {Rule::workdir_relative_path, "WorkdirRelativePath",
     "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base "
     "image changes",
     "workdir-relative-path"},
    {Rule::undefined_var, "UndefinedVar", "Variables should be defined before their use", "undefined-var"},
    {Rule::multiple_instructions_disallowed, "MultipleInstructionsDisallowed",
     "Multiple instructions of the same type should not be used in the same stage", "multiple-instructions-disallowed"},
    {Rule::legacy_key_value_format, "LegacyKeyValueFormat",
     "Legacy key/value format with whitespace separator should not be used", "legacy-key-value-format"},
    {Rule::redundant_target_platform, "RedundantTargetPlatform",
     "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
     "redundant-target-platform"},
    {Rule::secrets_used_in_arg_or_env, "SecretsUsedInArgOrEnv",
     "Sensitive data should not be used in the ARG or ENV commands", "secrets-used-in-arg-or-env"},
    {Rule::invalid_default_arg_in_from, "InvalidDefaultArgInFrom",
     "Default value for global ARG results in an empty or invalid base image name", "invalid-default-arg-in-from"},
    {Rule::from_platform_flag_const_disallowed, "FromPlatformFlagConstDisallowed",
     "FROM --platform flag should not use a constant value", "from-platform-flag-const-disallowed"},
    {Rule::copy_ignored_file, "CopyIgnoredFile", "Attempting to Copy file that is excluded by .dockerignore",
     "copy-ignored-file", true},
    {Rule::invalid_definition_description, "InvalidDefinitionDescription",
     "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not "
     "intended to be a description comment, add an empty line or comment between the instruction and the comment.",
     "invalid-definition-description", true},
    {Rule::invalid_base_image_platform, "InvalidBaseImagePlatform",
     "Base image platform does not match expected target platform", "invalid-base-image-platform"},
    {Rule::expose_proto_casing, "ExposeProtoCasing", "Protocol in EXPOSE instruction should be lowercase",
     "expose-proto-casing"},
    {Rule::expose_invalid_format, "ExposeInvalidFormat",
     "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future "
     "release",
     "expose-invalid-format"},
}};

const RuleInfo& info_of(Rule rule) {
  return *std::ranges::find(rules, rule, &RuleInfo::rule);
}

bool has_token(std::string_view name, std::span<const std::string_view> tokens) {
  const std::string padded = "_" + to_lower(name) + "_";
  return std::ranges::any_of(tokens,
                             [&](std::string_view token) { return padded.contains("_" + std::string(token) + "_"); });
}

bool all_upper(const std::string& text) {
  return text == to_upper(text);
}
bool all_lower(const std::string& text) {
  return text == to_lower(text);
}

void check_casing(const BuildFile& file, Checks& checks) {
  struct Use {
    std::string written;
    Range range;
  };
  std::vector<Use> uses;
  for (const auto& stage : file.stages) {
    uses.push_back({stage.written_from, stage.range});
    for (const auto& step : stage.steps) uses.push_back({step.written, step.range});
  }
  const auto lower = std::ranges::count_if(uses, [](const Use& use) { return all_lower(use.written); });
  const auto upper = std::ranges::count_if(uses, [](const Use& use) { return all_upper(use.written); });
  const bool want_lower = lower > upper;
  for (const auto& use : uses) {
    if (want_lower ? all_lower(use.written) : all_upper(use.written)) continue;
    checks.add(Rule::consistent_instruction_casing, use.range,
               "Command '" + use.written + "' should match the case of the command majority (" +
                   (want_lower ? "lowercase" : "uppercase") + ")");
  }
}

void check_stage_names(const BuildFile& file, Checks& checks) {
  std::set<std::string> seen;
  for (const auto& stage : file.stages) {
    if (stage.name.empty()) continue;
    if (stage.written_name != stage.name)
      checks.add(Rule::stage_name_casing, stage.range, "Stage name '" + stage.written_name + "' should be lowercase");
    const bool lower = all_lower(stage.written_from);
    if ((lower || all_upper(stage.written_from)) &&
        !(lower ? all_lower(stage.written_as) : all_upper(stage.written_as))) {
      checks.add(Rule::from_as_casing, stage.range,
                 "'" + stage.written_as + "' and '" + stage.written_from + "' keywords' casing do not match");
    }
    if (stage.name == "scratch" || stage.name == "context")
      checks.add(Rule::reserved_stage_name, stage.range,
                 "Stage name should not use the same name as reserved stage \"" + stage.name + "\"");
    if (!seen.insert(stage.name).second)
      checks.add(Rule::duplicate_stage_name, stage.range,
                 "Duplicate stage name \"" + stage.name + "\", stage names should be unique");
  }
}

void check_description(const char* instruction, const std::vector<std::string>& names,
                       const std::vector<std::string>& comments, const Range& range, Checks& checks) {
  if (names.empty() || comments.empty()) return;
  const std::string& last = comments.back();
  if (std::ranges::find(names, last.substr(0, last.find(' '))) != names.end()) return;
  checks.add(Rule::invalid_definition_description, range,
             std::string("Comment for ") + instruction + " should follow the format: `# " +
                 (names.size() > 1 ? "<arg_key>" : names.front()) + " <description>`");
}

void check_descriptions(const BuildFile& file, Checks& checks) {
  const auto names_in = [](const ArgCommand& command) {
    std::vector<std::string> names;
    for (const auto& definition : command.definitions) names.push_back(definition.key);
    return names;
  };
  for (const auto& meta : file.meta_args)
    check_description("ARG", names_in(meta.command), meta.comments, meta.range, checks);
  for (const auto& stage : file.stages) {
    if (!stage.name.empty()) check_description("FROM", {stage.name}, stage.comments, stage.range, checks);
    for (const auto& step : stage.steps) {
      if (const auto* arg = std::get_if<ArgCommand>(&step.command))
        check_description("ARG", names_in(*arg), step.comments, step.range, checks);
    }
  }
}

// "RuleA,RuleB" into names; true if it is "all".
bool names_of(const std::string& value, std::set<std::string>& names) {
  for (const auto& name : split(value, ',')) names.insert(std::string(trim(name)));
  return to_lower(value) == "all";
}

}  // namespace

bool looks_like_secret(std::string_view name) {
  constexpr std::array<std::string_view, 10> secret{"apikey",   "auth",  "credential", "credentials", "key",
                                                    "password", "pword", "passwd",     "secret",      "token"};
  constexpr std::array<std::string_view, 1> harmless{"public"};
  return has_token(name, secret) && !has_token(name, harmless);
}

Result<Checks> Checks::of(const Dockerfile& dockerfile) {
  Checks checks(dockerfile.file);
  const Directive* directive = dockerfile.directive("check");
  if (!directive) return checks;
  for (const auto& part : split(directive->value, ';')) {
    const auto equals = part.find('=');
    const std::string key = to_lower(trim(std::string_view(part).substr(0, equals)));
    const std::string value(equals == std::string::npos ? "" : trim(std::string_view(part).substr(equals + 1)));
    const auto invalid = [&](const std::string& why) {
      return fail(Error(Code::invalid)
                      .why("failed to parse check options: " + why)
                      .at(mark_of(dockerfile.file, directive->range)));
    };
    if (key == "error") {
      const auto on = parse_go_bool(value);
      if (!on) {
        return invalid("failed to parse check option \"" + part + "\": strconv.ParseBool: parsing \"" + value +
                       "\": invalid syntax");
      }
      checks.error_ = *on;
    } else if (key == "skip") {
      checks.skip_all_ = names_of(value, checks.skip_);
    } else if (key == "experimental") {
      checks.experimental_all_ = names_of(value, checks.experimental_);
    } else {
      return invalid("invalid check option \"" + key + "\"");
    }
  }
  return checks;
}

void Checks::add(Rule rule, const Range& range, std::string message) {
  const RuleInfo& info = info_of(rule);
  const std::string name(info.name);
  if (info.experimental && !experimental_all_ && !experimental_.contains(name)) return;
  if (skip_all_ || skip_.contains(name)) return;
  Warning warning;
  warning.rule = info.name;
  warning.summary = info.summary;
  warning.message = std::move(message);
  warning.url = "https://docs.docker.com/go/dockerfile/rule/" + std::string(info.page) + "/";
  warning.at = mark_of(file_, range);
  const auto same = [&](const Warning& other) { return other.message == warning.message && other.at == warning.at; };
  if (std::ranges::none_of(warnings_, same)) warnings_.push_back(std::move(warning));
}

void check_text(const Dockerfile& dockerfile, const BuildFile& file, Checks& checks) {
  for (const auto& note : dockerfile.notes)
    checks.add(Rule::no_empty_continuation, note.range, "Empty continuation line");
  check_stage_names(file, checks);
  check_casing(file, checks);
  check_descriptions(file, checks);
  for (const auto& stage : file.stages) {
    for (const auto& step : stage.steps) {
      if (std::holds_alternative<MaintainerCommand>(step.command))
        checks.add(Rule::maintainer_deprecated, step.range,
                   "Maintainer instruction is deprecated in favor of using label");
    }
  }
}

}  // namespace consort::build
