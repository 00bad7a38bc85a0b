// container diff, rename, update and wait, as in docker.
#include "base/json.hpp"
#include "base/url.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/container_body.hpp"
#include "cli/workspace.hpp"
#include "engine/files.hpp"
#include "serve/ask.hpp"

namespace consort::cli {

Result<int> run_container_diff(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  for (const engine::PathChange& change : TRY(workspace->engine().files().changes(invocation.arguments[0]))) {
    const char letter = change.kind == engine::PathChange::Kind::added     ? 'A'
                        : change.kind == engine::PathChange::Kind::removed ? 'D'
                                                                           : 'C';
    print_out(std::string{letter, ' '} + change.path + "\n");
  }
  return 0;
}

Result<int> run_container_rename(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  TRY(workspace->engine().rename_container(invocation.arguments[0], invocation.arguments[1]));
  return 0;
}

Result<int> run_container_update(Invocation& invocation) {
  const Json body = TRY(update_body(invocation.flags));
  if (body.empty())
    return fail(Error(Code::invalid, "you must provide one or more flags when using this command")
                    .hint("`consort container update --help` lists what can be changed"));
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  serve::Api api(workspace->engine().roots());
  for (const std::string& name : invocation.arguments) {
    const Json answer = TRY(parse_json(
        TRY(api.ask(
            {.method = "POST", .target = "/containers/" + url_encode(name) + "/update", .body = dump_json(body)})),
        "answer"));
    for (const std::string& warning : get_strings(answer, "Warnings")) print_warning(invocation.terminal, warning);
    print_out(name + "\n");
  }
  return 0;
}

namespace {

// The header of the answer arrives before the container ends. If the body has no code, the exit code is unknown.
Result<std::int64_t> exit_code_of(serve::Api& api, const std::string& name) {
  const Json answer = TRY(
      parse_json(TRY(api.ask({.method = "POST", .target = "/containers/" + url_encode(name) + "/wait"})), "answer"));
  if (!find_key(answer, "StatusCode")) return fail(Code::io, "wait for container " + name + ": it has no exit code");
  return get_int(answer, "StatusCode");
}

}  // namespace

// Waits for the containers in the order in which they are named, and prints one line for each.
Result<int> run_container_wait(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  serve::Api api(workspace->engine().roots());
  int status = 0;
  for (const std::string& name : invocation.arguments) {
    const auto code = exit_code_of(api, name);
    if (code) {
      print_out(std::to_string(*code) + "\n");
      continue;
    }
    print_error(invocation, code.error());
    status = 1;
  }
  return status;
}

}  // namespace consort::cli
