// run IMAGE and create IMAGE outside a project, as with `docker run`.
#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/url.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/container_body.hpp"
#include "cli/commands/machine/ensure_image.hpp"
#include "cli/relay/relay.hpp"
#include "cli/signals.hpp"
#include "cli/workspace.hpp"
#include "project/exec/listening.hpp"
#include "serve/ask.hpp"

namespace consort::cli {

namespace {

constexpr int not_run = 125;  // the container could not be created or started

// --cidfile. Created before the container, whose id would otherwise be lost if that failed; removed if there is no
// container.
class IdFile {
 public:
  static Result<IdFile> create(const std::string& path) {
    if (path.empty()) return IdFile({}, {});
    auto file = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (file) return IdFile(path, *std::move(file));
    if (file.error().sys_errno() != EEXIST) return fail(std::move(file).error());
    return fail(Code::conflict,
                "container ID file found, make sure the other container isn't running or delete " + path);
  }
  IdFile(IdFile&& other) noexcept : path_(std::exchange(other.path_, "")), fd_(std::move(other.fd_)) {}
  IdFile& operator=(IdFile&&) = delete;
  ~IdFile() {
    if (!path_.empty()) (void)remove_file(path_);
  }
  Result<> write(const std::string& id) {
    if (path_.empty()) return {};
    TRY(write_full(fd_.get(), id));
    path_.clear();
    return {};
  }

 private:
  IdFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  Fd fd_;
};

Result<std::string> create(Workspace& workspace, serve::Api& api, const Invocation& invocation,
                           const RunTerminal& terminal) {
  const ParsedFlags& flags = invocation.flags;
  const std::string& image = invocation.arguments[0];
  IdFile id_file = TRY(IdFile::create(flags.text("cidfile")));
  TRY(ensure_image(workspace, flags, image));
  const Json body = TRY(container_body(flags, image, {invocation.arguments.begin() + 1, invocation.arguments.end()},
                                       terminal, TRY(current_directory())));
  std::string target = "/containers/create?platform=" + url_encode(flags.text("platform"));
  if (flags.has("name")) target += "&name=" + url_encode(flags.text("name"));
  const Json made =
      TRY(parse_json(TRY(api.ask({.method = "POST", .target = target, .body = dump_json(body)})), "answer"));
  for (const std::string& warning : get_strings(made, "Warnings")) print_warning(invocation.terminal, warning);
  const std::string id = get_string(made, "Id");
  TRY(id_file.write(id));
  return id;
}

// 126 and 127 mean that the program itself could not be run; any other failure to start is docker's 125.
int start_status(engine::Engine& engine, const Invocation& invocation, const std::string& id) {
  int exit_code = not_run;
  const Result<> started = engine.start_container(id, {.exit_code = &exit_code});
  if (started) return 0;
  if (invocation.flags.on("rm"))
    (void)engine.remove_container(id, {engine::Force::yes, engine::AnonymousVolumes::remove});
  print_error(invocation, started.error());
  return exit_code == 126 || exit_code == 127 ? exit_code : not_run;
}

// With --rm, an attached client removes the container. If it dies, the next command that lists containers does.
Result<int> run_attached(Workspace& workspace, const Invocation& invocation, const std::string& id,
                         const RunTerminal& terminal) {
  engine::Engine& engine = workspace.engine();
  const project::Listening listening;  // the container gets the signals
  const bool removes = invocation.flags.on("rm");
  const auto remove = [&] {
    if (removes) (void)engine.remove_container(id, {engine::Force::yes, engine::AnonymousVolumes::remove});
  };
  const engine::ContainerDetails details = TRY(engine.inspect(id));
  AttachRelay relay{.id = id, .project = details.project};
  relay.tty = terminal.tty;
  relay.with_input = terminal.input;
  relay.signals = invocation.flags.on("sig-proxy");
  relay.detach_keys = invocation.flags.text("detach-keys", relay.detach_keys);
  relay.output = TRY(engine.hold_output(id));
  if (removes) relay.life = AttachRelay::Life::of_command;
  if (const int status = start_status(engine, invocation, id); status != 0) return status;
  Result<RelayEnd> end = relay_container(engine, std::move(relay), workspace.session().interrupt_fd);
  if (!end || end->how == RelayEnd::How::container_ended) remove();
  return end ? Result<int>(end->exit_code) : std::unexpected(std::move(end).error());
}

Result<int> run_image(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const bool detach = flags.on("detach");
  const RunTerminal terminal{.attached = !detach, .input = flags.on("interactive"), .tty = flags.on("tty")};
  if (terminal.tty && !detach && terminal.input && !invocation.terminal.in_is_terminal)
    return fail(Error(Code::invalid, "the input device is not a TTY").hint("leave out -t if there is no terminal"));
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  if (!detach && flags.on("rm")) TRY(catch_hangup());
  serve::Api api(workspace->engine().roots());
  const std::string id = TRY(create(*workspace, api, invocation, terminal));
  if (!detach) return run_attached(*workspace, invocation, id, terminal);
  if (const int status = start_status(workspace->engine(), invocation, id); status != 0) return status;
  print_out(id + "\n");
  return 0;
}

}  // namespace

Result<int> run_container_run(Invocation& invocation) {
  Result<int> outcome = run_image(invocation);
  if (outcome || outcome.error().code() == Code::interrupted) return outcome;
  print_error(invocation, outcome.error());
  return not_run;
}

Result<int> run_container_create(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  const RunTerminal terminal{
      .attached = false, .input = invocation.flags.on("interactive"), .tty = invocation.flags.on("tty")};
  serve::Api api(workspace->engine().roots());
  print_out(TRY(create(*workspace, api, invocation, terminal)) + "\n");
  return 0;
}

}  // namespace consort::cli
