// container diff, rename, update and wait: as docker has them.
#include "base/url.hpp"
#include "cli/commands/handlers_docker.hpp"
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

// One after the other, in the order in which they are named: a line each.
Result<int> run_container_wait(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  serve::Api api(workspace->engine().roots());
  int status = 0;
  for (const std::string& name : invocation.arguments) {
    const auto answer = api.ask({.method = "POST", .target = "/containers/" + url_encode(name) + "/wait"});
    if (!answer) {
      print_error(invocation, answer.error());
      status = 1;
      continue;
    }
    print_out(std::to_string(get_int(TRY(parse_json(*answer, "answer")), "StatusCode")) + "\n");
  }
  return status;
}

}  // namespace consort::cli
