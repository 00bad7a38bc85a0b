// Instructions that create files: WORKDIR, RUN, COPY and ADD.
#include <algorithm>
#include <array>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "build/dockerfile/heredoc.hpp"
#include "build/exec/fetch.hpp"
#include "build/exec/mode_change.hpp"
#include "build/plan/planner.hpp"
#include "build/plan/text.hpp"

namespace consort::build {

namespace {

std::string title_text(const std::string& text) {  // the keyword in capitals
  const auto space = text.find(' ');
  if (space == std::string::npos) return to_upper(text);
  return to_upper(text.substr(0, space)) + text.substr(space);
}

}  // namespace

Result<> Planner::apply(const WorkdirCommand& command) {
  const std::string path = TRY(value(command.path));
  if (!out_.state.workdir_set && !path.starts_with('/')) {
    checks_.add(Rule::workdir_relative_path, step_->range,
                "Relative workdir \"" + path + "\" can have unexpected results if the base image changes");
  }
  out_.state.workdir_set = true;
  // As written if absolute: that is how the image's configuration and history contain it.
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

Result<> Planner::apply(const RunCommand& command) {
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

Result<std::vector<std::string>> Planner::run_words(const RunCommand& command, RunOperation& run, std::string& shown) {
  if (command.heredocs.empty()) return command.line.words;
  if (command.line.words.size() != 1 || command.line.form == CommandForm::exec)
    return wrong("parsing produced an invalid run command: " + go_list(command.line.words));
  const std::string& line = command.line.words.front();
  const Heredoc& first = command.heredocs.front();
  if (!parse_heredoc(line)) {  // the shell handles heredocs
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

std::string Planner::arguments_prefix() {
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

// Each of the two spellings has its own value if given, otherwise that of the other one. A third (Http_Proxy), which
// BuildKit also accepts, is used if neither is given.
void Planner::add_proxies(RunOperation& run) const {
  const auto& args = input_.request.args;
  for (const std::string name : {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"}) {
    const auto any = std::ranges::find_if(args, [&](const auto& arg) { return to_lower(arg.first) == name; });
    if (any == args.end()) continue;
    const auto value_of = [&](const std::string& own, const std::string& other) {
      for (const std::string& key : {own, other})
        if (const auto found = args.find(key); found != args.end()) return found->second;
      return any->second;
    };
    const std::string upper = to_upper(name);
    run.hidden_environment.push_back(upper + "=" + value_of(upper, name));
    run.hidden_environment.push_back(name + "=" + value_of(name, upper));
  }
}

Result<> Planner::plan_mounts(const RunCommand& command, RunOperation& run) {
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

Result<> Planner::apply(const CopyCommand& command) {
  const bool add = command.kind == CopyCommand::Kind::add;
  CopyOperation copy;
  copy.chown = TRY(value(command.chown));
  copy.chmod = TRY(value(command.chmod));
  if (!copy.chmod.empty()) (void)TRY(ModeChange::parse(copy.chmod));  // a check reports it, too
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
  const bool directory =
      destination.empty() || destination.ends_with('/') || destination == "." || destination.ends_with("/.");
  if (directory && copy.destination != "/") copy.destination += '/';
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

Result<CopySource> Planner::copy_source(Result<std::string> text, CopyCommand::Kind kind, const CopyOperation& copy) {
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

Result<> Planner::check_checksum(const CopyOperation& copy, CopyCommand::Kind kind) {
  if (kind == CopyCommand::Kind::copy) return wrong("checksum can't be specified for COPY");
  if (copy.sources.size() != 1) return wrong("checksum can't be specified for multiple sources");
  const auto source = copy.sources.front().kind;
  if (source != CopySource::Kind::url && source != CopySource::Kind::git)
    return wrong("checksum requires HTTP(S) or Git sources");
  return {};
}

}  // namespace consort::build
