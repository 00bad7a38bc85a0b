// The meaning of instructions, with one type each. Variables are not expanded yet.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "build/dockerfile/ast.hpp"
#include "image/config.hpp"

namespace consort::build {

struct KeyValue {
  std::string key;
  std::string value;
};
struct ArgDefinition {
  std::string key;
  std::optional<std::string> value;
};

enum class CommandForm : std::uint8_t { shell, exec };
struct CommandLine {
  std::vector<std::string> words;  // shell form: a single element
  CommandForm form = CommandForm::shell;
};

struct InlineFile {
  std::string name;
  std::string content;
  HeredocExpansion expansion = HeredocExpansion::expand;
};

struct CopyCommand {
  enum class Kind : std::uint8_t { copy, add } kind = Kind::copy;
  std::vector<std::string> sources;
  std::vector<InlineFile> inline_files;
  std::string destination;
  std::string from;
  std::string chown, chmod, checksum;
  std::vector<std::string> exclude;
  bool link = false;
  bool parents = false;
  std::optional<bool> keep_git_dir;
  std::optional<bool> unpack;
};
struct RunCommand {
  CommandLine line;
  std::vector<Heredoc> heredocs;
  std::vector<std::string> mounts;  // values of --mount; parse_mount parses them once variables are known
  std::string network;              // "", default, none, host
  std::string security;             // "", sandbox, insecure
};
struct EnvCommand {
  std::vector<KeyValue> pairs;
};
struct LabelCommand {
  std::vector<KeyValue> pairs;
};
struct ArgCommand {
  std::vector<ArgDefinition> definitions;
};
struct CmdCommand {
  CommandLine line;
};
struct EntrypointCommand {
  CommandLine line;
};
struct HealthcheckCommand {
  image::Healthcheck check;
};
struct ExposeCommand {
  std::vector<std::string> ports;
};
struct UserCommand {
  std::string user;
};
struct WorkdirCommand {
  std::string path;
};
struct VolumeCommand {
  std::vector<std::string> paths;
};
struct StopSignalCommand {
  std::string signal;
};
struct ShellCommand {
  std::vector<std::string> shell;
};
struct OnbuildCommand {
  std::string expression;
};
struct MaintainerCommand {
  std::string name;
};

using Command = std::variant<CopyCommand, RunCommand, EnvCommand, LabelCommand, ArgCommand, CmdCommand,
                             EntrypointCommand, HealthcheckCommand, ExposeCommand, UserCommand, WorkdirCommand,
                             VolumeCommand, StopSignalCommand, ShellCommand, OnbuildCommand, MaintainerCommand>;

struct Step {
  Command command;
  Range range;
  Range keyword_range;
  std::string written;                // the keyword as written
  std::string original;               // the whole instruction on one line
  std::vector<std::string> comments;  // above the instruction
  std::vector<Flag> flags;
  bool legacy_key_value = false;
  bool from_onbuild = false;
};

struct Stage {
  std::string base;  // argument of FROM, unexpanded
  std::string name;  // lower case; empty: unnamed
  std::string written_name;
  std::string platform;      // unexpanded
  std::string written_from;  // the keywords as written
  std::string written_as;
  std::string original;
  std::vector<std::string> comments;  // above FROM
  Range range;
  std::vector<Step> steps;
};

struct BuildFile {
  struct MetaArg {
    ArgCommand command;
    Range range;
    std::vector<std::string> comments;
  };
  std::vector<MetaArg> meta_args;  // before the first FROM
  std::vector<Stage> stages;
};

// Code::invalid with a mark: invalid flags, too few arguments, no FROM.
Result<BuildFile> interpret(const Dockerfile& dockerfile);
// A single instruction other than FROM, for ONBUILD triggers of a base image.
Result<Step> interpret_trigger(const std::string& expression, const Stage& stage, const std::string& file);

Mark mark_of(const std::string& file, const Range& range);
// "dockerfile parse error on line 3: why", with a mark.
Error dockerfile_error(const std::string& file, const Range& range, std::string why);

}  // namespace consort::build
