// Runs the command that the command line names, and returns its exit status.
#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "base/version.hpp"
#include "cli/args/aliases.hpp"
#include "cli/commands/cluster/cluster.hpp"
#include "cli/commands/runtime/runtime.hpp"
#include "cli/invocation.hpp"
#include "cli/project_files.hpp"
#include "cli/render/lost_output.hpp"
#include "cli/render/progress.hpp"
#include "cli/seal.hpp"
#include "cli/signals.hpp"
#include "cli/workspace.hpp"
#include "place/place.hpp"

namespace consort::cli {

namespace {

constexpr int failure = 1;

std::optional<Ansi> parse_ansi(std::string_view text) {
  if (text == "auto" || text.empty()) return Ansi::automatic;
  if (text == "never") return Ansi::never;
  if (text == "always") return Ansi::always;
  return std::nullopt;
}

std::string setting(const ParsedFlags& flags, std::string_view flag, const char* variable) {
  if (flags.has(flag)) return flags.text(flag);
  const char* value = std::getenv(variable);
  return value ? value : "";
}

Result<> apply_globals(Invocation& invocation) {
  const ParsedFlags& globals = invocation.globals;
  std::string ansi = setting(globals, "ansi", "COMPOSE_ANSI");
  if (globals.on("no-ansi")) ansi = "never";
  const auto parsed_ansi = parse_ansi(ansi);
  if (!parsed_ansi) return fail(Code::invalid, "invalid value for --ansi: \"" + ansi + "\"");
  invocation.terminal.ansi = *parsed_ansi;
  const std::string progress = setting(globals, "progress", "COMPOSE_PROGRESS");
  const auto parsed_progress = parse_progress(progress);
  if (!parsed_progress) return fail(Code::invalid, "unsupported --progress value \"" + progress + "\"");
  invocation.progress = *parsed_progress;
  if (invocation.terminal.ansi == Ansi::never) {
    if (invocation.progress == ProgressMode::tty)
      return fail(Code::invalid, "can't use --progress tty while ANSI support is disabled");
    if (invocation.progress == ProgressMode::automatic) invocation.progress = ProgressMode::plain;
  }
  return {};
}

Result<> check_count(const Command& command, std::size_t count) {
  const ArgumentCount& wanted = command.count;
  if (count < wanted.least)
    return fail(Code::invalid, (wanted.least == wanted.most ? "accepts " : "requires at least ") +
                                   std::to_string(wanted.least) + " arg(s), " +
                                   (wanted.least == wanted.most ? "received " : "only received ") +
                                   std::to_string(count));
  if (count > wanted.most)
    return fail(Code::invalid, wanted.most == 0 ? "unknown arguments: this command takes none"
                                                : "accepts at most " + std::to_string(wanted.most) +
                                                      " arg(s), received " + std::to_string(count));
  return {};
}

// Users who are not root enter their own namespaces, in which they are root: before there is another thread.
Result<> enter_place(const Invocation& invocation) {
  if (!place::is_needed() || invocation.command->store == Store::unused) return {};
  const place::Entered entered = TRY(place::enter(TRY(Roots::from_environment())));
  for (const std::string& note : entered.notes) print_warning(invocation.terminal, note);
  if (invocation.command->way_out == WayOut::unneeded) return {};
  const Result<> linked = TRY(place::Place::connect(TRY(Roots::from_environment()))).link();
  if (!linked)
    print_warning(invocation.terminal,
                  linked.error().message() + ": they only reach each other; run " + linked.error().hint_text());
  return {};
}

// "image", "image --help": lists the commands of the group. "image nonsense": does the same, and fails.
std::optional<int> explain_group(const Invocation& invocation, const std::vector<std::string>& words) {
  std::string group = words[0], help = group_help(invocation.program, group);
  if (help.empty()) return std::nullopt;
  std::size_t next = 1;
  for (; next < words.size(); ++next) {  // "bridge transformations"
    const std::string below = group_help(invocation.program, group + " " + words[next]);
    if (below.empty()) break;
    group += " " + words[next];
    help = below;
  }
  print_out(help);
  if (next == words.size() || words[next] == "--help" || words[next] == "-h") return 0;
  print_err("unknown command: \"" + invocation.program + " " + group + " " + words[next] + "\"\n");
  return failure;
}

// Words that users know from Docker, and what to use instead.
struct Advice {
  std::string_view word;
  std::string_view text;
};
constexpr Advice advice[] = {
    {"prune", "use `system prune`; `down -v --rmi all` removes everything that belongs to a project"},
};

// A suggestion for a command that does not exist.
std::string instead_of(const std::string& name) {
  const auto found = std::ranges::find(advice, name, &Advice::word);
  if (found != std::end(advice)) return std::string(found->text) + "\n";
  std::vector<std::string> known;
  for (const Command& command : commands())
    if (command.shown == Shown::yes) known.emplace_back(command.name);
  const auto near = nearest(name, known);
  return near ? "did you mean \"" + *near + "\"?\n" : "";
}

int unknown_command(const Invocation& invocation, const std::string& name) {
  print_out(program_help(invocation.program));
  print_err((invocation.persona == Persona::docker_compose ? "unknown docker command: \"compose "
                                                           : "unknown command: \"" + invocation.program + " ") +
            name + "\"\n" + instead_of(name));
  return failure;
}

// `run IMAGE`, as in docker, if there is no project with a service that the first word could name.
bool means_image(const Invocation& invocation, const std::vector<std::string>& words) {
  if (words[0] != "run" || words.size() < 2 || invocation.persona == Persona::docker_compose) return false;
  if (invocation.globals.has("file") || invocation.globals.has("project-name")) return false;
  const auto options = load_options(invocation, {});
  if (!options) return false;
  const auto found = compose::find_project(*options);
  return !found && found.error().code() == Code::not_found && options->env_files.empty();
}

// Finds the command in the first words, at most three, and removes these.
const Command* take_command(std::vector<std::string>& words) {
  for (std::size_t count = std::min<std::size_t>(words.size(), 3); count > 0; --count)
    if (const Command* command = find_command(join(std::span(words).first(count), " "))) {
      words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count));
      return command;
    }
  return nullptr;
}

Result<int> run_command(Invocation& invocation, std::vector<std::string> words) {
  if (!words.empty() && words[0] == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
    if (words.size() == 1) words.clear();
  }
  if (words.empty()) {
    print_out(program_help(invocation.program));
    return 0;
  }
  if (words[0] == "runtime") return run_runtime(invocation, {words.begin() + 1, words.end()});
  const std::vector<std::string> all = words;
  resolve_aliases(words);
  if (means_image(invocation, words)) words.insert(words.begin(), "container");
  invocation.command = take_command(words);
  if (!invocation.command) {
    const auto explained = explain_group(invocation, all);
    return explained ? *explained : unknown_command(invocation, all[0]);
  }
  std::vector<Flag> flags(invocation.command->flags.begin(), invocation.command->flags.end());
  for (const Flag& flag : common_flags()) flags.push_back(flag);
  ParsedArguments parsed = TRY(parse_flags(flags, invocation.command->place, words));
  if (parsed.flags.on("help")) {
    print_out(command_help(invocation.program, *invocation.command));
    return 0;
  }
  invocation.flags = std::move(parsed.flags);
  invocation.arguments = std::move(parsed.arguments);
  TRY(check_count(*invocation.command, invocation.arguments.size()));
  invocation.dry_run = invocation.globals.on("dry-run") || invocation.flags.on("dry-run");
  if (const auto target = TRY(cluster_target(invocation))) return run_on_cluster(invocation, *target);
  TRY(enter_place(invocation));
  return invocation.command->run(invocation);
}

Result<int> run(Invocation& invocation, std::vector<std::string> words) {
  std::vector<Flag> flags(global_flags().begin(), global_flags().end());
  for (const Flag& flag : common_flags())
    if (flag.name != "dry-run") flags.push_back(flag);
  ParsedArguments parsed = TRY(parse_flags(flags, FlagPlace::before_arguments, words));
  invocation.globals = std::move(parsed.flags);
  keep_piped_files(invocation);
  invocation.files = ProjectFiles::of(invocation);
  if (!parsed.arguments.empty()) adopt_local_settings(invocation);
  TRY(apply_globals(invocation));
  if (invocation.globals.on("version")) parsed.arguments.assign(1, "version");
  if (invocation.globals.on("help")) {
    if (parsed.arguments.empty() || !find_command(parsed.arguments[0])) {
      print_out(program_help(invocation.program));
      return 0;
    }
    parsed.arguments.emplace_back("--help");
  }
  return run_command(invocation, std::move(parsed.arguments));
}

}  // namespace

int run_program(const std::vector<std::string>& argv) {
  Invocation invocation;
  const std::string called = argv.empty() ? "consort" : base_name(argv[0]);
  invocation.persona = called.starts_with("docker-compose") ? Persona::docker_compose : Persona::consort;
  invocation.program = invocation.persona == Persona::docker_compose ? "docker-compose" : "consort";
  invocation.terminal = Terminal::look();
  invocation.has_warned = has_warned_before();
  std::vector<std::string> words(argv.begin() + (argv.empty() ? 0 : 1), argv.end());
  invocation.line = invocation.program;
  for (const std::string& word : words) invocation.line += " " + shell_quote(word);
  // As a runtime, Podman and containerd only accept a single path.
  if (called.starts_with("consort-runtime")) {
    invocation.program = called;
    return run_runtime(invocation, std::move(words));
  }
  // Called as a plug-in of the docker command, or out of habit: `consort compose up`.
  if (const std::string config = take_docker_flags(words); !config.empty())
    ::setenv("DOCKER_CONFIG", config.c_str(), 1);
  const Result<int> outcome = run(invocation, std::move(words));
  if (outcome) return *outcome == 0 && has_lost_output() ? failure : *outcome;
  if (outcome.error().code() == Code::interrupted) return interrupted_status;
  print_error(invocation, outcome.error());
  return failure;
}

}  // namespace consort::cli
