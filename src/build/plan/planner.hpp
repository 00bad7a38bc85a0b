// Processes the instructions of a stage one after the other, tracking the image configuration and the variables that
// apply to each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/os/files/file.hpp"
#include "build/plan/stage_plan.hpp"

namespace consort::build {

class Planner {
 public:
  Planner(const PlanInput& input, Checks& checks)
      : input_(input), node_(input.graph.nodes[input.node]), checks_(checks) {}

  Result<PlannedStage> run();

 private:
  static std::unexpected<Error> wrong(std::string why) { return fail(Error(Code::invalid).why(std::move(why))); }
  image::ImageConfig& config() { return out_.plan.config; }

  void begin();

  // "linux/amd64 ", or "linux/amd64->arm64 " for a stage that runs on the build platform but knows its target.
  std::string platform_prefix() const;

  std::string prefix();

  // Text with variables expanded as far as they are known, for titles. Masks nothing: secrets are not variables here.
  std::string readable(const std::string& text, Quotes quotes, Unset unset) const;

  Result<Expansion> expanded(const std::string& text) { return expanded(text, {.escape = input_.escape}); }
  Result<Expansion> expanded(const std::string& text, const ExpandOptions& options);
  Result<std::string> value(const std::string& text);

  void report_missing(const Expansion& expansion);

  enum class Layer : std::uint8_t { none, made };
  void remember(std::string created_by, Layer layer);

  Operation operation(std::string title);

  void legacy_format_check();
  void secret_check(const char* instruction, const std::string& key);

  // All values are expanded with the variables as they were before the instruction.
  Result<std::vector<KeyValue>> pairs(const std::vector<KeyValue>& given);

  Result<> apply(const EnvCommand& command);
  Result<> apply(const LabelCommand& command);
  Result<> apply(const ArgCommand& command);

  std::vector<std::string> with_shell(std::string text);
  std::vector<std::string> argv_of(const CommandLine& line);
  void json_check(const CommandLine& line);
  void used_once(std::optional<Range>& before);

  Result<> apply(const CmdCommand& command);
  Result<> apply(const EntrypointCommand& command);
  Result<> apply(const HealthcheckCommand& command);
  Result<> apply(const ExposeCommand& command);
  Result<> apply(const UserCommand& command);
  Result<> apply(const VolumeCommand& command);
  Result<> apply(const StopSignalCommand& command);
  Result<> apply(const ShellCommand& command);
  Result<> apply(const OnbuildCommand& command);
  Result<> apply(const MaintainerCommand& command);
  Result<> apply(const WorkdirCommand& command);

  std::string working_dir() { return config().working_dir.empty() ? "/" : join_path("/", config().working_dir); }

  Result<> apply(const RunCommand& command);

  // The command to run, before the shell is prepended.
  Result<std::vector<std::string>> run_words(const RunCommand& command, RunOperation& run, std::string& shown);

  std::string arguments_prefix();

  void add_proxies(RunOperation& run) const;

  Result<> plan_mounts(const RunCommand& command, RunOperation& run);

  Result<> apply(const CopyCommand& command);

  Result<CopySource> copy_source(Result<std::string> text, CopyCommand::Kind kind, const CopyOperation& copy);

  static Result<> check_checksum(const CopyOperation& copy, CopyCommand::Kind kind);

  const PlanInput& input_;
  const Node& node_;
  Checks& checks_;
  PlannedStage out_;
  const Step* step_ = nullptr;
  std::size_t step_index_ = 0;
  int number_ = 0;
  std::optional<Range> cmd_, entrypoint_, healthcheck_;
};

}  // namespace consort::build
