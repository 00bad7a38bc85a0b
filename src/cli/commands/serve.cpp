// serve: Docker's Engine API, for programs that know nothing of Consort.
#include "serve/server.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "base/os/reserve.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/render/terminal.hpp"
#include "cli/seal.hpp"
#include "cli/signals.hpp"
#include "engine/engine.hpp"
#include "project/exec/listening.hpp"

namespace consort::cli {

namespace {

Result<serve::ServerOptions> options_of(const Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  serve::ServerOptions options;
  options.hosts = flags.list("host");
  options.read_only = flags.on("read-only");
  options.project = flags.text("project");
  if (const auto seconds = flags.integer("idle-timeout")) {
    if (*seconds <= 0) return fail(Code::invalid, "--idle-timeout must be a number of seconds above 0");
    options.idle = std::chrono::seconds(*seconds);
  }
  options.on_ready = [](const std::string& address) {
    print_err("Docker's Engine API is served at " + address + "\n  export DOCKER_HOST=" + address + "\n");
  };
  return options;
}

}  // namespace

Result<int> run_serve(Invocation& invocation) {
  serve::ServerOptions options = TRY(options_of(invocation));
  seal_program(invocation);  // build steps run as children
  ::umask(022);              // what is made for containers must not depend on who has started this
  const Roots roots = TRY(Roots::from_environment());
  Reserve(roots.data).keep();
  TRY(TRY(engine::Engine::open(roots))->sweep());
  const project::Listening listening;
  options.stop_fd = TRY(interrupt_descriptor());
  const Result<> outcome = serve::serve(roots, options);
  if (!outcome) print_error(invocation, outcome.error());
  ::_exit(outcome ? 0 : 1);  // somebody may be being answered just now
}

}  // namespace consort::cli
