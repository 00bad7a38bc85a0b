// serve: offers Docker's Engine API to programs that do not know Consort.
#include "serve/server.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/files/reserve.hpp"
#include "base/sha256.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/render/terminal.hpp"
#include "cli/seal.hpp"
#include "cli/signals.hpp"
#include "engine/engine.hpp"
#include "project/exec/listening.hpp"

namespace consort::cli {

namespace {

std::string docker_directory() {
  if (const char* directory = std::getenv("DOCKER_CONFIG"); directory && *directory != '\0') return directory;
  const char* home = std::getenv("HOME");
  return std::string(home && *home != '\0' ? home : "/root") + "/.docker";
}

// dockerd's flags and defaults, except that TLS without --tlsverify is refused.
Result<std::optional<serve::TlsFiles>> tls_of(const ParsedFlags& flags) {
  const auto file = [&](const char* flag, const char* usual) {
    const std::string given = flags.text(flag);
    return given.empty() ? docker_directory() + "/" + usual : given;
  };
  if (flags.on("tlsverify"))
    return serve::TlsFiles{.authority = file("tlscacert", "ca.pem"),
                           .certificate = file("tlscert", "cert.pem"),
                           .key = file("tlskey", "key.pem")};
  for (const char* flag : {"tlscacert", "tlscert", "tlskey"})
    if (!flags.text(flag).empty())
      return fail(Error(Code::invalid, std::string("--") + flag + " needs --tlsverify")
                      .why("a server that does not verify client certificates would be open to everyone"));
  return std::nullopt;
}

Result<serve::ServerOptions> options_of(const Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  serve::ServerOptions options;
  options.hosts = flags.list("host");
  options.read_only = flags.on("read-only");
  options.project = flags.text("project");
  // An empty name, as in "--project $UNSET", must not open the whole machine.
  if (flags.has("project") && options.project.empty()) return fail(Code::invalid, "--project must name a project");
  options.tls = TRY(tls_of(flags));
  if (const auto seconds = flags.integer("idle-timeout")) {
    if (*seconds <= 0) return fail(Code::invalid, "--idle-timeout must be a number of seconds above 0");
    options.idle = std::chrono::seconds(*seconds);
  }
  // A caller that passes a listening socket knows its address.
  if (options.hosts == std::vector<std::string>{"fd://0"}) return options;
  options.on_ready = [](const std::string& address) {
    print_err("Serving Docker's Engine API at " + address + "\n  export DOCKER_HOST=" + address + "\n");
  };
  return options;
}

// Does what `docker context create consort` does, without the docker command. A context's directory is named after the
// digest of its name.
Result<int> install_context(const serve::ServerOptions& options) {
  const std::string address =
      options.hosts.empty() ? serve::default_host(TRY(Roots::from_environment())) : options.hosts.front();
  const std::string name = "consort";
  const std::string directory = docker_directory() + "/contexts/meta/" + sha256_hex(name);
  const Json context{{"Name", name},
                     {"Metadata", {{"Description", "Containers of Consort"}}},
                     {"Endpoints", {{"docker", {{"Host", address}, {"SkipTLSVerify", false}}}}}};
  TRY(make_directories(directory, 0700));
  TRY(write_file_atomic(directory + "/meta.json", dump_json(context), 0644));
  print_out("Created the context \"" + name + "\" for the docker command: " + address +
            "\n"
            "  docker context use " +
            name +
            "\n"
            "For programs that do not support contexts, set:\n"
            "  export DOCKER_HOST=" +
            address +
            "\n"
            "With systemd, the server can start on demand:\n"
            "  systemctl enable --now consort.socket\n");
  return 0;
}

}  // namespace

Result<int> run_serve(Invocation& invocation) {
  serve::ServerOptions options = TRY(options_of(invocation));
  if (invocation.flags.on("install")) return install_context(options);
  seal_program(invocation);  // build steps run as children
  ::umask(022);              // modes of files made for containers must not depend on the caller
  const Roots roots = TRY(Roots::from_environment());
  TRY(TRY(engine::Engine::open(roots))->sweep());
  Reserve(roots.data).keep();
  const project::Listening listening;
  options.stop_fd = TRY(interrupt_descriptor());
  const Result<> outcome = serve::serve(roots, options);
  if (!outcome) print_error(invocation, outcome.error());
  ::_exit(outcome ? 0 : 1);  // a client may be being answered right now
}

}  // namespace consort::cli
