#include "build/dockerfile/commands.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "base/time.hpp"
#include "build/dockerfile/flags.hpp"
#include "build/dockerfile/heredoc.hpp"
#include "build/dockerfile/lines.hpp"

namespace consort::build {
namespace {

using Kind = FlagRule::Kind;

std::unexpected<Error> wrong(std::string why) {
  return fail(Error(Code::invalid).why(std::move(why)));
}

std::vector<std::string> texts(const Instruction& instruction, std::size_t from = 0) {
  std::vector<std::string> result;
  for (std::size_t i = from; i < instruction.words.size(); ++i) result.push_back(instruction.words[i].text);
  return result;
}

std::unexpected<Error> at_least_one(const Instruction& instruction) {
  return wrong(std::string(to_string(instruction.keyword)) + " requires at least one argument");
}

Result<std::string> exactly_one(const Instruction& instruction) {
  TRY(FlagSet::check(instruction, {}));
  if (instruction.words.size() != 1)
    return wrong(std::string(to_string(instruction.keyword)) + " requires exactly one argument");
  return instruction.words.front().text;
}

CommandLine command_line(const Instruction& instruction) {
  return {texts(instruction), instruction.json ? CommandForm::exec : CommandForm::shell};
}

Result<std::vector<KeyValue>> key_values(const Instruction& instruction) {
  TRY(FlagSet::check(instruction, {}));
  if (instruction.words.empty()) return at_least_one(instruction);
  std::vector<KeyValue> pairs;
  for (std::size_t i = 0; i + 1 < instruction.words.size(); i += 2) {
    if (instruction.words[i].text.empty())
      return wrong(std::string(to_string(instruction.keyword)) + " names can not be blank");
    pairs.push_back({instruction.words[i].text, instruction.words[i + 1].text});
  }
  return pairs;
}

Result<Command> copy_or_add(const Instruction& instruction) {
  const bool add = instruction.keyword == Keyword::add;
  const std::string name(to_string(instruction.keyword));
  if (instruction.words.size() < 2) {
    return wrong(name +
                 " requires at least two arguments, but only one was provided. Destination could not be determined");
  }
  const auto flags = TRY(add ? FlagSet::check(instruction, {{Kind::text, "chown"},
                                                            {Kind::text, "chmod"},
                                                            {Kind::flag, "link"},
                                                            {Kind::flag, "keep-git-dir"},
                                                            {Kind::text, "checksum"},
                                                            {Kind::flag, "unpack"},
                                                            {Kind::list, "exclude"}})
                             : FlagSet::check(instruction, {{Kind::text, "chown"},
                                                            {Kind::text, "from"},
                                                            {Kind::text, "chmod"},
                                                            {Kind::flag, "link"},
                                                            {Kind::flag, "parents"},
                                                            {Kind::list, "exclude"}}));
  CopyCommand copy;
  copy.kind = add ? CopyCommand::Kind::add : CopyCommand::Kind::copy;
  copy.from = flags.text("from");
  copy.chown = flags.text("chown");
  copy.chmod = flags.text("chmod");
  copy.checksum = flags.text("checksum");
  copy.exclude = flags.list("exclude");
  copy.link = flags.boolean("link").value_or(false);
  copy.parents = flags.boolean("parents").value_or(false);
  copy.keep_git_dir = flags.boolean("keep-git-dir");
  copy.unpack = flags.boolean("unpack");
  copy.destination = instruction.words.back().text;
  if (!instruction.heredocs.empty() && parse_heredoc(copy.destination))
    return wrong(name + " cannot accept a heredoc as a destination");
  for (std::size_t i = 0; i + 1 < instruction.words.size(); ++i) {
    const auto& source = instruction.words[i].text;
    const auto heredoc = instruction.heredocs.empty() ? std::nullopt : parse_heredoc(source);
    if (!heredoc) {
      copy.sources.push_back(source);
      continue;
    }
    const auto found = std::ranges::find(instruction.heredocs, heredoc->name, &Heredoc::name);
    if (found == instruction.heredocs.end()) return wrong("no content for heredoc " + heredoc->name);
    copy.inline_files.push_back(
        {found->name, found->tabs == HeredocTabs::strip ? strip_leading_tabs(found->content) : found->content,
         found->expansion});
  }
  return Command(std::move(copy));
}

Result<Command> run(const Instruction& instruction) {
  const auto flags =
      TRY(FlagSet::check(instruction, {{Kind::list, "mount"}, {Kind::text, "network"}, {Kind::text, "security"}}));
  RunCommand command;
  command.line = command_line(instruction);
  if (instruction.json && command.line.words.empty()) return at_least_one(instruction);
  command.heredocs = instruction.heredocs;
  command.mounts = flags.list("mount");
  command.network = flags.text("network");
  command.security = flags.text("security");
  if (!command.network.empty() && command.network != "default" && command.network != "none" &&
      command.network != "host")
    return wrong("invalid network mode \"" + command.network + "\"");
  if (!command.security.empty() && command.security != "sandbox" && command.security != "insecure")
    return wrong("security \"" + command.security + "\" is not valid");
  return Command(std::move(command));
}

Result<Nanoseconds> interval(const FlagSet& flags, std::string_view name) {
  const std::string text = flags.text(name);
  if (text.empty()) return Nanoseconds(0);
  if (text.find_first_not_of("0123456789.") == std::string::npos && text != "0")
    return wrong("time: missing unit in duration \"" + text + "\"");
  if (const auto unit = text.find_first_of("dw");
      unit != std::string::npos) {  // Compose has days and weeks, but Go does not
    return wrong("time: unknown unit \"" + text.substr(unit, 1) + "\" in duration \"" + text + "\"");
  }
  const auto value = parse_duration(text);
  if (!value) return wrong("time: invalid duration \"" + text + "\"");
  if (*value != Nanoseconds(0) && *value < std::chrono::milliseconds(1))
    return wrong("Interval \"" + std::string(name) + "\" cannot be less than 1ms");
  return *value;
}

Result<Command> healthcheck(const Instruction& instruction) {
  if (instruction.words.empty()) return at_least_one(instruction);
  HealthcheckCommand command;
  const std::string type = instruction.words.front().text;
  if (type == "NONE") {
    if (instruction.words.size() > 1) return wrong("HEALTHCHECK NONE takes no arguments");
    command.check.test = {"NONE"};
    return Command(std::move(command));
  }
  const auto flags = TRY(FlagSet::check(instruction, {{Kind::text, "interval"},
                                                      {Kind::text, "timeout"},
                                                      {Kind::text, "start-period"},
                                                      {Kind::text, "start-interval"},
                                                      {Kind::text, "retries"}}));
  if (type != "CMD") return wrong("Unknown type \"" + type + "\" in HEALTHCHECK (try CMD)");
  command.check.test = texts(instruction, 1);
  if (command.check.test.empty()) return wrong("Missing command after HEALTHCHECK CMD");
  command.check.test.insert(command.check.test.begin(), instruction.json ? "CMD" : "CMD-SHELL");
  command.check.interval = TRY(interval(flags, "interval"));
  command.check.timeout = TRY(interval(flags, "timeout"));
  command.check.start_period = TRY(interval(flags, "start-period"));
  command.check.start_interval = TRY(interval(flags, "start-interval"));
  if (const std::string retries = flags.text("retries"); !retries.empty()) {
    const auto number = parse_signed(retries);
    if (!number || *number > INT32_MAX || *number < INT32_MIN)
      return wrong("strconv.ParseInt: parsing \"" + retries + "\": invalid syntax");
    if (*number < 0) return wrong("--retries cannot be negative (" + retries + ")");
    command.check.retries = static_cast<int>(*number);
  }
  return Command(std::move(command));
}

Result<Command> arg(const Instruction& instruction) {
  TRY(FlagSet::check(instruction, {}));
  if (instruction.words.empty()) return at_least_one(instruction);
  ArgCommand command;
  for (const auto& word : instruction.words) {
    const auto equals = word.text.find('=');
    if (equals == 0) return wrong("ARG names can not be blank");
    ArgDefinition definition{word.text.substr(0, equals), std::nullopt};
    if (equals != std::string::npos) definition.value = word.text.substr(equals + 1);
    command.definitions.push_back(std::move(definition));
  }
  return Command(std::move(command));
}

Result<Command> onbuild(const Instruction& instruction) {
  TRY(FlagSet::check(instruction, {}));
  if (instruction.nested.empty()) return at_least_one(instruction);
  const Instruction& nested = instruction.nested.front();
  if (!nested.known) return Command(OnbuildCommand{nested.original});
  if (nested.keyword == Keyword::onbuild) return wrong("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (nested.keyword == Keyword::maintainer || nested.keyword == Keyword::from)
    return wrong(std::string(to_string(nested.keyword)) + " isn't allowed as an ONBUILD trigger");
  std::string expression = nested.original;
  for (const auto& heredoc : nested.heredocs) expression += "\n" + heredoc.content + heredoc.name;
  return Command(OnbuildCommand{std::move(expression)});
}

Result<Command> volume(const Instruction& instruction) {
  TRY(FlagSet::check(instruction, {}));
  if (instruction.words.empty()) return at_least_one(instruction);
  VolumeCommand command;
  for (const auto& word : instruction.words) {
    if (trim(word.text).empty()) return wrong("VOLUME specified can not be an empty string");
    command.paths.emplace_back(trim(word.text));
  }
  return Command(std::move(command));
}

Result<Command> expose(const Instruction& instruction) {
  if (instruction.words.empty()) return at_least_one(instruction);
  TRY(FlagSet::check(instruction, {}));
  auto ports = texts(instruction);
  std::ranges::sort(ports);
  return Command(ExposeCommand{std::move(ports)});
}

Result<Command> shell(const Instruction& instruction) {
  TRY(FlagSet::check(instruction, {}));
  if (instruction.words.empty()) return at_least_one(instruction);
  if (!instruction.json) {
    return wrong("SHELL requires the arguments to be in JSON form");
  }
  return Command(ShellCommand{texts(instruction)});
}

Result<Command> command_of(const Instruction& instruction) {
  switch (instruction.keyword) {
    case Keyword::add:
    case Keyword::copy:
      return copy_or_add(instruction);
    case Keyword::arg:
      return arg(instruction);
    case Keyword::cmd:
      TRY(FlagSet::check(instruction, {}));
      return Command(CmdCommand{command_line(instruction)});
    case Keyword::entrypoint:
      TRY(FlagSet::check(instruction, {}));
      return Command(EntrypointCommand{command_line(instruction)});
    case Keyword::env:
      return Command(EnvCommand{TRY(key_values(instruction))});
    case Keyword::label:
      return Command(LabelCommand{TRY(key_values(instruction))});
    case Keyword::expose:
      return expose(instruction);
    case Keyword::healthcheck:
      return healthcheck(instruction);
    case Keyword::maintainer:
      return Command(MaintainerCommand{TRY(exactly_one(instruction))});
    case Keyword::onbuild:
      return onbuild(instruction);
    case Keyword::run:
      return run(instruction);
    case Keyword::shell:
      return shell(instruction);
    case Keyword::stopsignal:
      return Command(StopSignalCommand{TRY(exactly_one(instruction))});
    case Keyword::user:
      return Command(UserCommand{TRY(exactly_one(instruction))});
    case Keyword::volume:
      return volume(instruction);
    case Keyword::workdir:
      return Command(WorkdirCommand{TRY(exactly_one(instruction))});
    case Keyword::from:
      break;
  }
  return wrong("FROM is not a command");
}

bool valid_stage_name(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name[0] >= 'a' && name[0] <= 'z' && std::ranges::all_of(name, good);
}

Result<Stage> stage_of(const Instruction& instruction) {
  Stage stage;
  const auto& words = instruction.words;
  if (words.size() == 3 && to_lower(words[1].text) == "as") {
    stage.name = to_lower(words[2].text);
    stage.written_as = words[1].text;
    stage.written_name = words[2].text;
    if (!valid_stage_name(stage.name)) {
      return wrong("invalid name for build stage: \"" + words[2].text +
                   "\", name can't start with a number or contain symbols");
    }
  } else if (words.size() != 1) {
    return wrong("FROM requires either one or three arguments");
  }
  const auto flags = TRY(FlagSet::check(instruction, {{Kind::text, "platform"}}));
  stage.base = words[0].text;
  stage.platform = flags.text("platform");
  stage.written_from = instruction.written;
  stage.original = instruction.original;
  stage.comments = instruction.comments;
  stage.range = instruction.range;
  return stage;
}

Step step_of(Command command, const Instruction& instruction) {
  return {.command = std::move(command),
          .range = instruction.range,
          .keyword_range = instruction.keyword_range,
          .written = instruction.written,
          .original = instruction.original,
          .comments = instruction.comments,
          .flags = instruction.flags,
          .legacy_key_value = instruction.legacy_key_value};
}

}  // namespace

Mark mark_of(const std::string& file, const Range& range) {
  const bool one_line = range.line == range.end_line && range.end_column > range.column;
  return {file, range.line, range.column, one_line ? range.end_column - range.column : 0};
}

Error dockerfile_error(const std::string& file, const Range& range, std::string why) {
  return Error(Code::invalid, "dockerfile parse error on line " + std::to_string(range.line))
      .why(std::move(why))
      .at(mark_of(file, range));
}

Result<BuildFile> interpret(const Dockerfile& dockerfile) {
  BuildFile result;
  for (const auto& instruction : dockerfile.instructions) {
    const auto at = [&](const Error& error) {
      return dockerfile_error(dockerfile.file, instruction.range, error.message());
    };
    if (instruction.keyword == Keyword::from) {
      auto stage = stage_of(instruction);
      if (!stage) return fail(at(stage.error()));
      result.stages.push_back(std::move(*stage));
      continue;
    }
    auto command = command_of(instruction);
    if (!command) return fail(at(command.error()));
    if (!result.stages.empty()) {
      result.stages.back().steps.push_back(step_of(std::move(*command), instruction));
    } else if (auto* meta = std::get_if<ArgCommand>(&*command)) {
      result.meta_args.push_back({std::move(*meta), instruction.range, instruction.comments});
    } else {
      return fail(Error(Code::invalid)
                      .why("no build stage in current context")
                      .at(mark_of(dockerfile.file, instruction.range)));
    }
  }
  if (result.stages.empty()) {
    return fail(Error(Code::invalid).why("dockerfile contains no stages to build").at({dockerfile.file}));
  }
  return result;
}

Result<Step> interpret_trigger(const std::string& expression, const Stage& stage, const std::string& file) {
  const auto at = [&](const std::string& why) {
    return dockerfile_error(file, stage.range, "ONBUILD trigger of the base image: " + why);
  };
  auto parsed = parse_dockerfile(expression, file);
  if (!parsed) return fail(at(parsed.error().message()));
  if (parsed->instructions.size() != 1) return fail(at("onbuild trigger should be a single expression"));
  Instruction& instruction = parsed->instructions.front();
  auto command = command_of(instruction);
  if (!command) return fail(at(command.error().message()));
  Step step = step_of(std::move(*command), instruction);
  step.range = stage.range;
  step.from_onbuild = true;
  return step;
}

}  // namespace consort::build
