#include "cli/commands/cluster/cluster_flags.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "cli/args/command.hpp"
#include "cli/render/diagnostic.hpp"

namespace consort::cli {

namespace {

// All others are warned of.
struct Flags {
  std::string_view command;
  std::string_view honoured;
  std::string_view refused = {};
};
constexpr Flags flags_of[] = {
    {"attach", "detach-keys index no-stdin"},
    {"cp", "all archive follow-link index quiet"},
    {"down", "remove-orphans volumes", "rmi"},
    {"events", "json since until"},
    {"exec", "env env-file index interactive no-tty tty workdir", "detach privileged user"},
    {"images", "format quiet"},
    {"kill", "remove-orphans signal"},
    {"logs", "follow no-color no-log-prefix since tail timestamps", "index until"},
    {"ls", "all format quiet", "filter"},
    {"port", "index protocol"},
    {"ps", "all format no-trunc orphans quiet services status", "all-projects filter last latest"},
    {"restart", "no-deps"},
    {"rm", "all force stop volumes"},
    {"run",
     "build detach entrypoint env env-file env-from-file interactive name no-deps no-tty quiet quiet-build "
     "quiet-pull remove-orphans rm tty user workdir",
     "cap-add cap-drop label publish service-ports use-aliases volume"},
    {"scale", "no-deps"},
    {"start", ""},
    {"stats", "all format no-stream no-trunc"},
    {"stop", ""},
    {"top", ""},
    {"up",
     "build detach force-conflicts menu no-build no-color no-deps no-log-prefix quiet-build quiet-pull "
     "remove-orphans scale timestamps wait wait-timeout yes",
     "abort-on-container-exit abort-on-container-failure exit-code-from no-recreate no-start renew-anon-volumes "
     "timings "
     "watch"},
    {"volume export", "output"},
    {"volume import", "force"},
    {"volumes", "format quiet"},
    {"wait", "", "down-project"},
    {"watch", "no-up prune quiet"},
};

bool lists(std::string_view words, std::string_view word) {
  return std::ranges::any_of(split(words, ' '), [&](const auto& each) { return each == word; });
}

}  // namespace

FlagFate fate_on_cluster(std::string_view command, std::string_view flag) {
  const auto found = std::ranges::find(flags_of, command, &Flags::command);
  if (found == std::end(flags_of)) return FlagFate::honoured;  // the command itself is refused
  const std::string name = to_lower(flag);                     // --no-TTY has two spellings
  if (lists(found->honoured, name)) return FlagFate::honoured;
  return lists(found->refused, name) ? FlagFate::refused : FlagFate::warned;
}

Result<> judge_flags(const Invocation& invocation) {
  const std::string command(invocation.command->name);
  for (const Flag& flag : invocation.command->flags) {
    if (!invocation.flags.has(flag.name)) continue;
    const FlagFate fate = fate_on_cluster(command, flag.name);
    const std::string what = command + " --" + std::string(flag.name);
    if (fate == FlagFate::refused) return fail(Code::unsupported, what + " is not supported on Kubernetes");
    if (fate == FlagFate::warned) print_warning(invocation.terminal, what + " has no effect on Kubernetes");
  }
  return {};
}

}  // namespace consort::cli
