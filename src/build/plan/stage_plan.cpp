#include "build/plan/stage_plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "build/dockerfile/heredoc.hpp"
#include "build/dockerfile/suggest.hpp"
#include "build/exec/fetch.hpp"
#include "build/exec/mode_change.hpp"
#include "build/plan/ports.hpp"
#include "build/plan/text.hpp"
#include "image/reference.hpp"
#include "runtime/defaults.hpp"

namespace consort::build {
namespace {

constexpr const char* default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* history_comment = "buildkit.dockerfile.v0";

std::unexpected<Error> wrong(std::string why) {
  return fail(Error(Code::invalid).why(std::move(why)));
}

std::string title_text(const std::string& text) {  // the keyword in capitals
  const auto space = text.find(' ');
  if (space == std::string::npos) return to_upper(text);
  return to_upper(text.substr(0, space)) + text.substr(space);
}

class Planner {
 public:
  Planner(const PlanInput& input, Checks& checks)
      : input_(input), node_(input.graph.nodes[input.node]), checks_(checks) {}

  Result<PlannedStage> run() {
    begin();
    for (std::size_t i = 0; i < node_.steps.size(); ++i) {
      step_ = &node_.steps[i];
      step_index_ = i;
      auto done = std::visit([&](const auto& command) { return apply(command); }, step_->command);
      if (!done) {
        Error error = std::move(done).error();
        if (!error.mark()) error = std::move(error).at(mark_of(input_.graph.file, step_->range));
        return fail(std::move(error));
      }
    }
    return std::move(out_);
  }

 private:
  image::ImageConfig& config() { return out_.plan.config; }

  void begin() {
    config() = input_.base;
    if (node_.base == Node::Base::scratch || node_.base == Node::Base::directory) config().working_dir = "/";
    config().on_build.clear();
    if (config().platform.architecture.empty()) config().platform = node_.platform.value_or(input_.graph.platform);
    if (input_.parent) {
      out_.state = input_.parent->state;
    } else {
      config().created.clear();
    }
    const auto has_path =
        std::ranges::any_of(config().env, [](const auto& entry) { return entry.starts_with("PATH="); });
    if (!has_path) config().env.push_back(std::string("PATH=") + default_path);
    for (const auto& entry : config().env) {
      const auto equals = entry.find('=');
      out_.state.environment.set(entry.substr(0, equals), equals == std::string::npos ? "" : entry.substr(equals + 1));
    }
    const bool counts_base = node_.base == Node::Base::image || node_.base == Node::Base::directory;
    int total = counts_base ? 1 : 0;
    for (const auto& step : node_.steps) {
      total += std::holds_alternative<CopyCommand>(step.command) || std::holds_alternative<RunCommand>(step.command) ||
               std::holds_alternative<WorkdirCommand>(step.command);
    }
    out_.plan.total = total;
    if (node_.base != Node::Base::image) return;  // a folder is counted, but has no step
    const auto reference = image::Reference::parse(node_.image);
    out_.plan.base_title = prefix() + "FROM " + (reference ? reference->full() : node_.image);
  }

  // "linux/amd64 ", or "linux/amd64->arm64 " where a stage of this machine knows what it works for.
  std::string platform_prefix() const {
    if (input_.graph.platforms == Graph::Platforms::one) return {};
    const image::Platform& target = input_.graph.platform;
    const image::Platform own = node_.platform.value_or(target);
    const bool knows =
        std::ranges::any_of(std::array{"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT"},
                            [&](const char* name) { return out_.state.environment.get(name).has_value(); });
    std::string text = own.text();
    if (knows && own != target)
      text += "->" + (own.os == target.os ? target.text().substr(target.os.size() + 1) : target.text());
    return text + " ";
  }

  std::string prefix() {
    const int total = out_.plan.total;
    if (total == 0) return {};
    ++number_;
    std::string number = std::to_string(number_);
    const auto width = static_cast<std::size_t>(1 + std::log10(total));
    while (number.size() < width) number.insert(number.begin(), ' ');
    std::string text = "[" + platform_prefix();
    if (!node_.title.empty()) text += node_.title + " ";
    text += number + "/" + std::to_string(total) + "] ";
    if (step_ && step_->from_onbuild) text += "ONBUILD ";
    return text;
  }

  // Text with variables expanded as far as they are known, for titles. Masks nothing: secrets are not variables here.
  std::string readable(const std::string& text, Quotes quotes, Unset unset) const {
    const auto done =
        expand(text, out_.state.environment.lookup(), {.escape = input_.escape, .quotes = quotes, .unset = unset});
    return done ? done->text : text;
  }

  Result<Expansion> expanded(const std::string& text) { return expanded(text, {.escape = input_.escape}); }
  Result<Expansion> expanded(const std::string& text, const ExpandOptions& options) {
    auto result = TRY(expand(text, out_.state.environment.lookup(), options));
    report_missing(result);
    return result;
  }
  Result<std::string> value(const std::string& text) {
    auto result = TRY(expanded(text));
    return std::move(result.text);
  }

  void report_missing(const Expansion& expansion) {
    for (const auto& name : expansion.missing) {
      if (std::ranges::any_of(out_.state.args, [&](const auto& arg) { return arg.key == name; })) continue;
      const auto near = suggestion(name, out_.state.environment.names());
      checks_.add(Rule::undefined_var, step_->range,
                  "Usage of undefined variable '$" + name + "'" + (near ? " (did you mean $" + *near + "?)" : ""));
    }
  }

  enum class Layer : std::uint8_t { none, made };
  void remember(std::string created_by, Layer layer) {
    config().history.push_back({.created = {},
                                .created_by = std::move(created_by),
                                .author = {},
                                .comment = history_comment,
                                .empty_layer = layer == Layer::none});
  }

  Operation operation(std::string title) {
    Operation result;
    result.title = prefix() + std::move(title);
    result.number = number_;
    result.total = out_.plan.total;
    result.original = step_->original;
    result.range = step_->range;
    result.history = config().history.size();
    return result;
  }

  void legacy_format_check() {
    if (step_->legacy_key_value) {
      checks_.add(Rule::legacy_key_value_format, step_->range,
                  "\"" + to_upper(step_->written) + " key=value\" should be used instead of legacy \"" +
                      to_upper(step_->written) + " key value\" format");
    }
  }
  void secret_check(const char* instruction, const std::string& key) {
    if (looks_like_secret(key)) {
      checks_.add(
          Rule::secrets_used_in_arg_or_env, step_->range,
          "Do not use ARG or ENV instructions for sensitive data (" + std::string(instruction) + " \"" + key + "\")");
    }
  }

  // All pairs see the variables as they were before the instruction.
  Result<std::vector<KeyValue>> pairs(const std::vector<KeyValue>& given) {
    std::vector<KeyValue> result;
    for (const auto& pair : given) {
      auto key = TRY(value(pair.key));
      // A statement of its own: what is left when an error returns from the middle of a list of values would leak.
      auto content = TRY(value(pair.value));
      result.push_back({std::move(key), std::move(content)});
    }
    return result;
  }

  Result<> apply(const EnvCommand& command) {
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

  Result<> apply(const LabelCommand& command) {
    legacy_format_check();
    std::string text = "LABEL";
    for (const auto& [key, content] : TRY(pairs(command.pairs))) {
      config().labels[key] = content;
      text += " " + key + "=" + content;
    }
    remember(std::move(text), Layer::none);
    return {};
  }

  Result<> apply(const ArgCommand& command) {
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

  std::vector<std::string> with_shell(std::string text) {
    std::vector<std::string> argv = config().shell;
    if (argv.empty()) argv = {"/bin/sh", "-c"};
    argv.push_back(std::move(text));
    return argv;
  }
  std::vector<std::string> argv_of(const CommandLine& line) {
    return line.form == CommandForm::exec ? line.words : with_shell(join(line.words, " "));
  }
  void json_check(const CommandLine& line) {
    if (line.form == CommandForm::exec || !config().shell.empty()) return;
    checks_.add(Rule::json_args_recommended, step_->range,
                "JSON arguments recommended for " + to_upper(step_->written) +
                    " to prevent unintended behavior related to OS signals");
  }
  void used_once(std::optional<Range>& before) {
    if (before) {
      checks_.add(Rule::multiple_instructions_disallowed, *before,
                  "Multiple " + to_upper(step_->written) +
                      " instructions should not be used in the same stage because only the last one will be used");
    }
    before = step_->range;
  }

  Result<> apply(const CmdCommand& command) {
    used_once(cmd_);
    json_check(command.line);
    config().cmd = argv_of(command.line);
    config().args_escaped = true;
    remember("CMD " + go_quoted_list(config().cmd), Layer::none);
    return {};
  }

  Result<> apply(const EntrypointCommand& command) {
    used_once(entrypoint_);
    json_check(command.line);
    config().entrypoint = argv_of(command.line);
    if (!cmd_) config().cmd.clear();
    remember("ENTRYPOINT " + go_quoted_list(config().entrypoint), Layer::none);
    return {};
  }

  Result<> apply(const HealthcheckCommand& command) {
    used_once(healthcheck_);
    config().healthcheck = command.check;
    remember("HEALTHCHECK " + go_healthcheck(command.check), Layer::none);
    return {};
  }

  Result<> apply(const ExposeCommand& command) {
    std::vector<std::string> ports;
    for (const auto& text : command.ports) {
      // Of variables that are not there BuildKit says nothing here.
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

  Result<> apply(const UserCommand& command) {
    config().user = TRY(value(command.user));
    remember("USER " + config().user, Layer::none);
    return {};
  }

  Result<> apply(const VolumeCommand& command) {
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

  Result<> apply(const StopSignalCommand& command) {
    const std::string signal = TRY(value(command.signal));
    // Any number will do: which of them mean something is the kernel's affair where the image runs.
    const auto number = parse_signed(signal);
    if (number ? *number == 0 : !runtime::signal_number(signal)) return wrong("invalid signal: " + signal);
    config().stop_signal = signal;
    remember("STOPSIGNAL " + signal, Layer::none);
    return {};
  }

  Result<> apply(const ShellCommand& command) {
    config().shell = command.shell;
    remember("SHELL " + go_list(command.shell), Layer::none);
    return {};
  }

  Result<> apply(const OnbuildCommand& command) {
    config().on_build.push_back(command.expression);
    return {};
  }

  Result<> apply(const MaintainerCommand& command) {
    config().author = command.name;
    remember("MAINTAINER " + command.name, Layer::none);
    return {};
  }

  Result<> apply(const WorkdirCommand& command) {
    const std::string path = TRY(value(command.path));
    if (!out_.state.workdir_set && !path.starts_with('/')) {
      checks_.add(Rule::workdir_relative_path, step_->range,
                  "Relative workdir \"" + path + "\" can have unexpected results if the base image changes");
    }
    out_.state.workdir_set = true;
    // As written if absolute: that is what the image's configuration and history say.
    std::string& directory = config().working_dir;
    if (path.starts_with('/')) {
      directory = path;
    } else if (!path.empty() || directory.empty()) {
      directory = join_path(working_dir(), path);
    }
    if (directory == "/") {
      remember("WORKDIR /", Layer::none);
      return {};
    }
    Operation made = operation(title_text(readable(step_->original, Quotes::remove, Unset::empty)));
    made.action = MakeDirectoryOperation{directory, config().user};
    out_.plan.operations.push_back(std::move(made));
    remember("WORKDIR " + directory, Layer::made);
    return {};
  }

  std::string working_dir() { return config().working_dir.empty() ? "/" : join_path("/", config().working_dir); }

  Result<> apply(const RunCommand& command) {
    Operation made;
    RunOperation run;
    std::string shown = step_->original;
    std::vector<std::string> argv = TRY(run_words(command, run, shown));
    if (command.line.form == CommandForm::shell && !run.script) {
      argv = with_shell(join(argv, " "));
    } else if (run.script) {
      argv = with_shell(argv.front());
    }
    made = operation(title_text(readable(shown, Quotes::keep, Unset::keep)));
    run.argv = argv;
    run.environment = out_.state.environment.assignments();
    add_proxies(run);
    run.working_dir = working_dir();
    run.user = config().user;
    run.network = command.network.empty() ? input_.request.network : command.network;
    run.insecure = command.security == "insecure";
    TRY(plan_mounts(command, run));
    made.action = std::move(run);
    out_.plan.operations.push_back(std::move(made));
    remember("RUN " + arguments_prefix() + join(argv, " ") + " # buildkit", Layer::made);
    return {};
  }

  // What is run, before the shell is put in front of it.
  Result<std::vector<std::string>> run_words(const RunCommand& command, RunOperation& run, std::string& shown) {
    if (command.heredocs.empty()) return command.line.words;
    if (command.line.words.size() != 1 || command.line.form == CommandForm::exec)
      return wrong("parsing produced an invalid run command: " + go_list(command.line.words));
    const std::string& line = command.line.words.front();
    const Heredoc& first = command.heredocs.front();
    if (!parse_heredoc(line)) {  // the shell does it
      std::string text = line;
      for (const auto& heredoc : command.heredocs) text += "\n" + heredoc.content + heredoc.name;
      return std::vector{text};
    }
    const std::string content = first.tabs == HeredocTabs::strip ? strip_leading_tabs(first.content) : first.content;
    const std::string trimmed(trim(first.content));
    const auto newline = trimmed.find('\n');
    shown += " (" + trimmed.substr(0, newline) + (newline == std::string::npos ? "" : "...") + ")";
    if (!first.content.starts_with("#!")) return std::vector{content};
    run.script = std::pair{first.name, content};
    return std::vector{"/dev/pipes/" + first.name};
  }

  std::string arguments_prefix() {
    std::vector<std::string> texts;
    std::vector<std::string> seen;
    for (const auto& arg : out_.state.args) {
      const auto current = out_.state.environment.get(arg.key).value_or(arg.value.value_or(""));
      const auto found = std::ranges::find(seen, arg.key);
      if (found != seen.end()) {
        texts[static_cast<std::size_t>(found - seen.begin())] = arg.key + "=" + current;
      } else {
        seen.push_back(arg.key);
        texts.push_back(arg.key + "=" + current);
      }
    }
    if (texts.empty()) return {};
    return "|" + std::to_string(texts.size()) + " " + join(texts, " ") + " ";
  }

  void add_proxies(RunOperation& run) const {
    for (const auto* name : {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"}) {
      for (const auto& [key, content] : input_.request.args) {
        if (to_lower(key) != name) continue;
        run.hidden_environment.push_back(to_upper(name) + "=" + content);
        run.hidden_environment.push_back(std::string(name) + "=" + content);
      }
    }
  }

  Result<> plan_mounts(const RunCommand& command, RunOperation& run) {
    const Expand expander = [&](std::string_view text) { return value(std::string(text)); };
    for (std::size_t i = 0; i < command.mounts.size(); ++i) {
      PlannedMount planned{TRY(parse_mount(command.mounts[i], expander)), node_.sources[step_index_][i]};
      RunMount& m = planned.mount;
      const bool needs_target = m.type != RunMount::Type::secret && m.type != RunMount::Type::ssh;
      if (needs_target || !m.target.empty()) {
        m.target = clean_path(join_path(working_dir(), m.target));
        if (m.target == "/") return wrong("invalid mount target \"/\"");
      }
      run.mounts.push_back(std::move(planned));
    }
    return {};
  }

  Result<> apply(const CopyCommand& command) {
    const bool add = command.kind == CopyCommand::Kind::add;
    CopyOperation copy;
    copy.chown = TRY(value(command.chown));
    copy.chmod = TRY(value(command.chmod));
    if (!copy.chmod.empty()) (void)TRY(ModeChange::parse(copy.chmod));  // a check finds it, too
    copy.checksum = TRY(value(command.checksum));
    for (const auto& pattern : command.exclude) copy.exclude.push_back(TRY(value(pattern)));
    copy.parents = command.parents;
    copy.link = command.link ? Link::yes : Link::no;
    copy.keep_git_dir = command.keep_git_dir.value_or(false);
    copy.unpack = command.unpack.value_or(add);
    copy.unpack_urls = command.unpack.value_or(false);
    const auto& sources = node_.sources[step_index_];
    if (!sources.empty()) copy.from = sources.front();
    const std::string destination = TRY(value(command.destination));
    copy.destination = join_path(working_dir(), destination);
    const bool folder =
        destination.empty() || destination.ends_with('/') || destination == "." || destination.ends_with("/.");
    if (folder && copy.destination != "/") copy.destination += '/';
    std::string text = add ? "ADD" : "COPY";
    if (copy.parents) text += " --parents";
    if (!copy.chown.empty()) text += " --chown=" + copy.chown;
    if (!copy.chmod.empty()) text += " --chmod=" + copy.chmod;
    for (const auto& source : command.sources) {
      copy.sources.push_back(TRY(copy_source(value(source), command.kind, copy)));
      text += " " + copy.sources.back().text;
    }
    for (const auto& file : command.inline_files) {
      CopySource source{CopySource::Kind::inline_file, file.name, file.content};
      if (file.expansion == HeredocExpansion::expand) {
        auto content = expanded(file.content, {.escape = '\\', .quotes = Quotes::ordinary});
        if (!content) return std::unexpected(std::move(content).error());
        source.content = std::move(content->text);
      }
      copy.sources.push_back(std::move(source));
      text += " <<" + file.name;
    }
    if (!copy.checksum.empty()) TRY(check_checksum(copy, command.kind));
    Operation made = operation(title_text(readable(step_->original, Quotes::remove, Unset::empty)));
    made.action = std::move(copy);
    out_.plan.operations.push_back(std::move(made));
    remember(text + " " + destination + " # buildkit", Layer::made);
    return {};
  }

  Result<CopySource> copy_source(Result<std::string> text, CopyCommand::Kind kind, const CopyOperation& copy) {
    if (!text) return std::unexpected(std::move(text).error());
    const bool add = kind == CopyCommand::Kind::add;
    if (is_git_url(*text)) {
      if (!add) return wrong("source can't be a git ref for COPY");
      return CopySource{CopySource::Kind::git, *text, {}};
    }
    if (is_http_url(*text)) {
      if (!add) return wrong("source can't be a URL for COPY");
      return CopySource{CopySource::Kind::url, *text, {}};
    }
    const std::string path = clean_path(*text);
    if (!copy.from && input_.ignored && path != "." && path != "/" && input_.ignored(path)) {
      checks_.add(Rule::copy_ignored_file, step_->range,
                  std::string("Attempting to ") + (add ? "Add" : "Copy") + " file \"" + *text +
                      "\" that is excluded by .dockerignore");
    }
    return CopySource{CopySource::Kind::path, *text, {}};
  }

  static Result<> check_checksum(const CopyOperation& copy, CopyCommand::Kind kind) {
    if (kind == CopyCommand::Kind::copy) return wrong("checksum can't be specified for COPY");
    if (copy.sources.size() != 1) return wrong("checksum can't be specified for multiple sources");
    const auto source = copy.sources.front().kind;
    if (source != CopySource::Kind::url && source != CopySource::Kind::git)
      return wrong("checksum requires HTTP(S) or Git sources");
    return {};
  }

  const PlanInput& input_;
  const Node& node_;
  Checks& checks_;
  PlannedStage out_;
  const Step* step_ = nullptr;
  std::size_t step_index_ = 0;
  int number_ = 0;
  std::optional<Range> cmd_, entrypoint_, healthcheck_;
};

}  // namespace

Result<PlannedStage> plan_stage(const PlanInput& input, Checks& checks) {
  return Planner(input, checks).run();
}

}  // namespace consort::build
