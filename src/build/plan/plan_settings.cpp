// Instructions that change only the image's configuration and none of its files.
#include <algorithm>

#include "base/strings.hpp"
#include "build/plan/planner.hpp"
#include "build/plan/ports.hpp"
#include "build/plan/text.hpp"
#include "runtime/defaults.hpp"

namespace consort::build {

void Planner::legacy_format_check() {
  if (step_->legacy_key_value) {
    checks_.add(Rule::legacy_key_value_format, step_->range,
                "\"" + to_upper(step_->written) + " key=value\" should be used instead of legacy \"" +
                    to_upper(step_->written) + " key value\" format");
  }
}

void Planner::secret_check(const char* instruction, const std::string& key) {
  if (looks_like_secret(key)) {
    checks_.add(
        Rule::secrets_used_in_arg_or_env, step_->range,
        "Do not use ARG or ENV instructions for sensitive data (" + std::string(instruction) + " \"" + key + "\")");
  }
}

Result<std::vector<KeyValue>> Planner::pairs(const std::vector<KeyValue>& given) {
  std::vector<KeyValue> result;
  for (const auto& pair : given) {
    auto key = TRY(value(pair.key));
    // A separate statement: on an error in the middle of a list of values, the earlier ones would leak.
    auto content = TRY(value(pair.value));
    result.push_back({std::move(key), std::move(content)});
  }
  return result;
}

Result<> Planner::apply(const EnvCommand& command) {
  legacy_format_check();
  std::string text = "ENV";
  for (const auto& [key, content] : TRY(pairs(command.pairs))) {
    secret_check("ENV", key);
    text += " " + key + "=" + content;
    out_.state.environment.set(key, content);
    const auto found =
        std::ranges::find_if(config().env, [&](const auto& entry) { return entry.starts_with(key + "="); });
    if (found != config().env.end()) {
      *found = key + "=" + content;
    } else {
      config().env.push_back(key + "=" + content);
    }
  }
  remember(std::move(text), Layer::none);
  return {};
}

Result<> Planner::apply(const LabelCommand& command) {
  legacy_format_check();
  std::string text = "LABEL";
  for (const auto& [key, content] : TRY(pairs(command.pairs))) {
    config().labels[key] = content;
    text += " " + key + "=" + content;
  }
  remember(std::move(text), Layer::none);
  return {};
}

Result<> Planner::apply(const ArgCommand& command) {
  std::string text = "ARG";
  for (const auto& definition : command.definitions) {
    ArgDefinition arg{definition.key, std::nullopt};
    secret_check("ARG", arg.key);
    if (const auto given = input_.request.args.find(arg.key); given != input_.request.args.end()) {
      arg.value = given->second;
    } else if (definition.value) {
      arg.value = TRY(value(*definition.value));
    } else {
      arg.value = input_.graph.global_args.get(arg.key);
    }
    text += " " + arg.key;
    if (arg.value) {
      out_.state.environment.set(arg.key, *arg.value);
      text += "=" + *arg.value;
    }
    out_.state.args.push_back(std::move(arg));
  }
  remember(std::move(text), Layer::none);
  return {};
}

std::vector<std::string> Planner::with_shell(std::string text) {
  std::vector<std::string> argv = config().shell;
  if (argv.empty()) argv = {"/bin/sh", "-c"};
  argv.push_back(std::move(text));
  return argv;
}

std::vector<std::string> Planner::argv_of(const CommandLine& line) {
  return line.form == CommandForm::exec ? line.words : with_shell(join(line.words, " "));
}

void Planner::json_check(const CommandLine& line) {
  if (line.form == CommandForm::exec || !config().shell.empty()) return;
  checks_.add(Rule::json_args_recommended, step_->range,
              "JSON arguments recommended for " + to_upper(step_->written) +
                  " to prevent unintended behavior related to OS signals");
}

void Planner::used_once(std::optional<Range>& before) {
  if (before) {
    checks_.add(Rule::multiple_instructions_disallowed, *before,
                "Multiple " + to_upper(step_->written) +
                    " instructions should not be used in the same stage because only the last one will be used");
  }
  before = step_->range;
}

Result<> Planner::apply(const CmdCommand& command) {
  used_once(cmd_);
  json_check(command.line);
  config().cmd = argv_of(command.line);
  config().args_escaped = true;
  remember("CMD " + go_quoted_list(config().cmd), Layer::none);
  return {};
}

Result<> Planner::apply(const EntrypointCommand& command) {
  used_once(entrypoint_);
  json_check(command.line);
  config().entrypoint = argv_of(command.line);
  if (!cmd_) config().cmd.clear();
  remember("ENTRYPOINT " + go_quoted_list(config().entrypoint), Layer::none);
  return {};
}

Result<> Planner::apply(const HealthcheckCommand& command) {
  used_once(healthcheck_);
  config().healthcheck = command.check;
  remember("HEALTHCHECK " + go_healthcheck(command.check), Layer::none);
  return {};
}

Result<> Planner::apply(const ExposeCommand& command) {
  std::vector<std::string> ports;
  for (const auto& text : command.ports) {
    // BuildKit does not warn of missing variables here.
    const auto expansion = TRY(expand(text, out_.state.environment.lookup(), {.escape = input_.escape}));
    for (const auto& word : expansion.words) TRY(expose_ports(word, step_->range, checks_, ports));
  }
  for (const auto& port : ports) {
    auto& all = config().exposed_ports;
    if (std::ranges::find(all, port) == all.end()) all.push_back(port);
  }
  std::ranges::sort(config().exposed_ports);
  remember("EXPOSE " + go_list(ports), Layer::none);
  return {};
}

Result<> Planner::apply(const UserCommand& command) {
  config().user = TRY(value(command.user));
  remember("USER " + config().user, Layer::none);
  return {};
}

Result<> Planner::apply(const VolumeCommand& command) {
  std::vector<std::string> paths;
  for (const auto& path : command.paths) {
    paths.push_back(TRY(value(path)));
    if (paths.back().empty()) return wrong("VOLUME specified can not be an empty string");
    auto& all = config().volumes;
    if (std::ranges::find(all, paths.back()) == all.end()) all.push_back(paths.back());
  }
  std::ranges::sort(config().volumes);
  remember("VOLUME " + go_list(paths), Layer::none);
  return {};
}

Result<> Planner::apply(const StopSignalCommand& command) {
  const std::string signal = TRY(value(command.signal));
  // Any number is accepted: which ones are valid depends on the kernel on which the image runs.
  const auto number = parse_signed(signal);
  if (number ? *number == 0 : !runtime::signal_number(signal)) return wrong("invalid signal: " + signal);
  config().stop_signal = signal;
  remember("STOPSIGNAL " + signal, Layer::none);
  return {};
}

Result<> Planner::apply(const ShellCommand& command) {
  config().shell = command.shell;
  remember("SHELL " + go_list(command.shell), Layer::none);
  return {};
}

Result<> Planner::apply(const OnbuildCommand& command) {
  config().on_build.push_back(command.expression);
  return {};
}

Result<> Planner::apply(const MaintainerCommand& command) {
  config().author = command.name;
  remember("MAINTAINER " + command.name, Layer::none);
  return {};
}

}  // namespace consort::build
