#include <algorithm>

#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/moment.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/render/log_printer.hpp"
#include "cli/render/terminal.hpp"
#include "project/exec/log_follower.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

// --since or --until.
Result<std::optional<SystemTime>> moment_of(const ParsedFlags& flags, const char* flag) {
  if (!flags.has(flag)) return std::nullopt;
  auto moment = parse_moment(flags.text(flag), system_now());
  if (moment) return *moment;
  return fail(Error(Code::invalid, std::string("invalid value for \"") + flag + "\": " + moment.error().message())
                  .hint(moment.error().hint_text()));
}

Result<engine::LogReadOptions> read_options(const ParsedFlags& flags) {
  engine::LogReadOptions options;
  const std::string tail = flags.text("tail", "all");
  if (tail != "all" && !tail.empty()) {
    const auto number = parse_signed(tail);
    if (!number) return fail(Code::invalid, "invalid value for --tail: \"" + tail + "\"");
    if (*number >= 0) options.tail = static_cast<std::size_t>(*number);
  }
  options.since = TRY(moment_of(flags, "since"));
  options.until = TRY(moment_of(flags, "until"));
  return options;
}

}  // namespace

Result<int> run_logs(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const engine::LogReadOptions read = TRY(read_options(flags));
  const auto index = index_of(invocation);
  if (index && invocation.arguments.size() != 1)
    return fail(Code::invalid, "--index requires one service to be selected");
  const auto workspace = TRY(Workspace::open(invocation, Need::name, invocation.arguments));
  project::Session& session = workspace->session();
  auto containers = TRY(project::select_containers(session, invocation.arguments, project::Oneoffs::leave_out));
  if (index) std::erase_if(containers, [&](const engine::Container& container) { return container.number != *index; });
  if (index && containers.empty())
    return fail(Code::not_found,
                "service \"" + invocation.arguments[0] + "\" is not running container #" + std::to_string(*index));
  for (const engine::Container& container : containers) {
    const auto readable = session.engine.logs(container.id);
    if (!readable && readable.error().code() == Code::unsupported)
      print_warning(invocation.terminal,
                    "Can't retrieve logs for \"" + container.name + "\": " + readable.error().message());
  }
  LogPrinter printer({.prefix = !flags.on("no-log-prefix"),
                      .colour = !flags.on("no-color") && invocation.terminal.colour_out(),
                      .timestamps = flags.on("timestamps")});
  if (!flags.on("follow")) {
    TRY(project::print_logs(session.engine, containers, read, printer));
    return 0;
  }
  project::FollowOptions options{.read = read};
  options.adopt = [&](const engine::Container& container) {
    const auto& names = invocation.arguments;
    return !container.oneoff && !project::is_hook(container) && !index &&
           (names.empty() || std::ranges::find(names, container.service) != names.end());
  };
  const auto follower =
      TRY(project::LogFollower::create(session.engine, session.project_name, printer, std::move(options)));
  for (const engine::Container& container : containers) follower->add(container);
  follower->complete();
  TRY(follower->run());
  return 0;
}

}  // namespace consort::cli
