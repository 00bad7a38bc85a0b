#include "cli/commands/runtime.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/json.hpp"
#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "base/version.hpp"
#include "cli/commands/flags_runtime.hpp"

namespace consort::cli {

namespace {

constexpr int failure = 1;

// One line for each error and warning; what it cannot be written to must not fail the command.
void log_line(const Invocation& invocation, std::string_view level, const std::string& message) {
  const std::string file = invocation.group.text("log");
  if (file.empty()) return;
  const std::string time = format_rfc3339_seconds(system_now());
  std::string line;
  if (invocation.group.text("log-format", "text") == "json") {
    line = dump_json(Json{{"level", level}, {"msg", message}, {"time", time}}) + "\n";
  } else {
    std::string quoted = dump_json(Json(message));
    line = "time=\"" + time + "\" level=" + std::string(level) + " msg=" + quoted + "\n";
  }
  if (const Result<Fd> log = open_file(file, O_WRONLY | O_APPEND | O_CREAT, 0644)) (void)write_full(log->get(), line);
}

std::string whole_message(const Error& error) {
  const std::string hint = error.hint_text();
  return error.message() + (hint.empty() ? "" : " (" + hint + ")");
}

int report(const Invocation& invocation, const Error& error) {
  const std::string message = whole_message(error);
  log_line(invocation, "error", message);
  print_err(message + "\n");
  return failure;
}

Result<int> run(Invocation& invocation, std::vector<std::string> words) {
  ParsedArguments parsed = TRY(parse_flags(runtime_flags, FlagPlace::before_arguments, words));
  invocation.group = std::move(parsed.flags);
  words = std::move(parsed.arguments);
  if (invocation.group.on("version")) {
    print_out(invocation.program + " version " + std::string(version) + "\nspec: 1.2.0\n");
    return 0;
  }
  const std::string format = invocation.group.text("log-format", "text");
  if (format != "text" && format != "json") return fail(Code::invalid, "unknown log-format \"" + format + "\"");
  if (words.empty() || invocation.group.on("help") || words[0] == "help") {
    print_out(group_help(invocation.program, "runtime") + "\nOptions before the command:\n" +
              flag_block(runtime_flags, 100));
    return 0;
  }
  invocation.command = find_command("runtime " + words[0]);
  if (!invocation.command) return fail(Code::invalid, "unknown command \"" + words[0] + "\"");
  words.erase(words.begin());
  std::vector<Flag> flags(invocation.command->flags.begin(), invocation.command->flags.end());
  flags.push_back({"help", 'h', boolean, "", "", "", true});
  parsed = TRY(parse_flags(flags, invocation.command->place, words));
  invocation.flags = std::move(parsed.flags);
  invocation.arguments = std::move(parsed.arguments);
  if (invocation.flags.on("help")) {
    print_out(command_help(invocation.program, *invocation.command));
    return 0;
  }
  const ArgumentCount& count = invocation.command->count;
  const std::size_t given = invocation.arguments.size();
  if (given < count.least || given > count.most)
    return fail(Code::invalid, "\"" + std::string(invocation.command->name) + "\" " +
                                   (given < count.least ? "requires" : "takes at most") + " " +
                                   std::to_string(given < count.least ? count.least : count.most) +
                                   " argument(s): " + std::string(invocation.command->arguments));
  return invocation.command->run(invocation);
}

// As Podman and runc have it: a user's own directory is where that user's other run-time files are.
std::string default_root() {
  // In a user's namespaces, which are entered with the roots in the environment, root's own folder is somebody else's.
  const char* const run = ::getenv("CONSORT_RUN_ROOT");
  if (run && *run == '/') return std::string(run) + "/runtime";
  if (::geteuid() == 0) return "/run/consort/runtime";
  const char* const runtime_folder = std::getenv("XDG_RUNTIME_DIR");
  if (runtime_folder && *runtime_folder == '/') return std::string(runtime_folder) + "/consort/runtime";
  return "/tmp/consort-" + std::to_string(::geteuid()) + "/runtime";
}

}  // namespace

int run_runtime(Invocation& invocation, std::vector<std::string> words) {
  const Result<int> outcome = run(invocation, std::move(words));
  return outcome ? *outcome : report(invocation, outcome.error());
}

std::string absolute_path(const std::string& path) {
  if (path.empty()) return path;
  return join_path(current_directory().value_or("/"), path);
}

runtime::BundleRuntime bundle_runtime(const Invocation& invocation) {
  const std::string root = invocation.group.text("root");
  return {root.empty() ? default_root() : absolute_path(root), [&invocation](const std::string& warning) {
            log_line(invocation, "warning", warning);
            print_err("warning: " + warning + "\n");
          }};
}

}  // namespace consort::cli
