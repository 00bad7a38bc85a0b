#include "cli/commands/runtime/runtime.hpp"

#include <fcntl.h>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/run_root.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "base/version.hpp"
#include "cli/commands/flags_runtime.hpp"

namespace consort::cli {

namespace {

constexpr int failure = 1, failure_of_exec = 255;  // 255: a status that is not the process's own

// Writes one line for an error or warning. A failure to write it must not fail the command.
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
  const bool exec = invocation.command && invocation.command->name == std::string_view("runtime exec");
  return exec ? failure_of_exec : failure;
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

}  // namespace

int run_runtime(Invocation& invocation, std::vector<std::string> words) {
  const Result<int> outcome = run(invocation, std::move(words));
  return outcome ? *outcome : report(invocation, outcome.error());
}

void show_warning(const Invocation& invocation, const std::string& warning) {
  log_line(invocation, "warning", warning);
  print_err("warning: " + warning + "\n");
}

std::string absolute_path(const std::string& path) {
  if (path.empty()) return path;
  return join_path(current_directory().value_or("/"), path);
}

Result<runtime::BundleRuntime> bundle_runtime(const Invocation& invocation) {
  std::string root = absolute_path(invocation.group.text("root"));
  if (root.empty()) {
    // This may be in /tmp, if the user has no better directory, and anybody may have created it there before.
    const Roots roots = TRY(Roots::from_environment());
    TRY(prepare_run_root(roots));
    root = roots.run + "/runtime";
  }
  return runtime::BundleRuntime(std::move(root),
                                [&invocation](const std::string& warning) { show_warning(invocation, warning); });
}

}  // namespace consort::cli
