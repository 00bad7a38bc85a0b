// The commands that start processes: create, run and exec.
#include <unistd.h>

#include <cstdlib>

#include "base/narrow.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/runtime/runtime.hpp"
#include "cli/seal.hpp"
#include "runtime/defaults.hpp"

namespace consort::cli {

namespace {

// Sockets passed by systemd. They start at descriptor 3, before those of --preserve-fds. Sockets meant for another
// process are not passed to the container, even if we have inherited the variables.
int handed_sockets() {
  const char* const listen = std::getenv("LISTEN_FDS");
  const char* const receiver = std::getenv("LISTEN_PID");
  if (receiver && receiver != std::to_string(::getpid())) return 0;
  const auto sockets = parse_unsigned(listen ? listen : "");
  return sockets && *sockets <= 1024 ? static_cast<int>(*sockets) : 0;
}

Result<int> preserved_count(const Invocation& invocation) {
  const auto given = fitting<int>(invocation.flags.integer("preserve-fds").value_or(0));
  if (!given || *given < 0 || *given > 4096) return fail(Code::invalid, "invalid value for --preserve-fds");
  return *given + handed_sockets();
}

Result<runtime::CreateOptions> create_options(const Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  runtime::CreateOptions options;
  options.id = invocation.arguments[0];
  options.bundle = absolute_path(flags.text("bundle", "."));
  options.config = join_path(options.bundle, flags.text("config", "config.json"));
  options.console_socket = absolute_path(flags.text("console-socket"));
  options.pid_file = absolute_path(flags.text("pid-file"));
  options.pidfd_socket = absolute_path(flags.text("pidfd-socket"));
  options.no_pivot = flags.on("no-pivot");
  options.preserved = TRY(preserved_count(invocation));
  options.sockets = handed_sockets();
  const std::string manager = invocation.group.text("cgroup-manager", "cgroupfs");
  if (manager != "cgroupfs" && manager != "systemd")
    return fail(Code::invalid, "invalid value for --cgroup-manager", "\"" + manager + "\"");
  options.systemd_paths = invocation.group.on("systemd-cgroup") || manager == "systemd";
  return options;
}

}  // namespace

Result<int> run_runtime_create(Invocation& invocation) {
  seal_program(invocation);
  runtime::BundleRuntime runtime = TRY(bundle_runtime(invocation));
  (void)TRY(runtime.create(TRY(create_options(invocation))));
  return 0;
}

Result<int> run_runtime_run(Invocation& invocation) {
  seal_program(invocation);
  runtime::BundleRuntime runtime = TRY(bundle_runtime(invocation));
  const runtime::CreateOptions options = TRY(create_options(invocation));
  const bool detach = invocation.flags.on("detach");
  Fd console;
  const pid_t pid = TRY(runtime.create(options, detach ? nullptr : &console));
  if (console) take_line_ends(console.get());
  if (Result<> started = runtime.start(options.id); !started) {
    (void)runtime.remove(options.id, runtime::Removal::forced);
    return fail(std::move(started).error());
  }
  if (detach) return 0;
  const int code = TRY(attend_process(pid, std::move(console)));
  if (!invocation.flags.on("keep")) TRY(runtime.remove(options.id, runtime::Removal::forced));
  return code;
}

namespace {

Result<> take_user(const std::string& text, runtime::User& user) {
  const std::size_t colon = text.find(':');
  const auto uid = parse_unsigned(text.substr(0, colon));
  const auto gid =
      colon == std::string::npos ? std::optional<std::uint64_t>(user.gid) : parse_unsigned(text.substr(colon + 1));
  if (!uid || !gid || !fitting<std::uint32_t>(*uid) || !fitting<std::uint32_t>(*gid))
    return fail(Code::invalid, "invalid value for --user", "\"" + text + "\"");
  user.uid = static_cast<std::uint32_t>(*uid);
  user.gid = static_cast<std::uint32_t>(*gid);
  return {};
}

Result<> add_capabilities(const Invocation& invocation, runtime::Process& process) {
  const std::vector<std::string>& names = invocation.flags.list("cap");
  if (names.empty()) return {};
  runtime::Capabilities sets = process.capabilities.value_or(runtime::Capabilities{});
  // An unknown capability cannot be set. As for the config since version 1.1, that is not an error.
  std::vector<std::string> known;
  for (const std::string& name : names) {
    if (runtime::capability_number(name))
      known.push_back(name);
    else
      show_warning(invocation, "there is no " + name + ", ignored");
  }
  const std::uint64_t added = TRY(runtime::apply_capability_changes(0, known, {}));
  for (std::uint64_t* set : {&sets.bounding, &sets.effective, &sets.permitted}) *set |= added;
  process.capabilities = sets;
  return {};
}

// The container's own process, changed by the flags.
Result<runtime::Process> described_process(const Invocation& invocation, const runtime::Spec& spec) {
  const ParsedFlags& flags = invocation.flags;
  runtime::Process process = spec.process;
  process.args.assign(invocation.arguments.begin() + 1, invocation.arguments.end());
  if (process.args.empty()) return fail(Code::invalid, "process args cannot be empty");
  process.terminal = flags.on("tty");
  if (flags.has("cwd")) process.cwd = flags.text("cwd");
  for (const std::string& entry : flags.list("env")) process.env.push_back(entry);
  if (flags.has("user")) TRY(take_user(flags.text("user"), process.user));
  for (const std::string& text : flags.list("additional-gids")) {
    const auto gid = parse_unsigned(text);
    if (!gid || !fitting<std::uint32_t>(*gid)) return fail(Code::invalid, "invalid value for --additional-gids", text);
    process.user.additional_gids.push_back(static_cast<std::uint32_t>(*gid));
  }
  if (flags.has("apparmor")) process.apparmor_profile = flags.text("apparmor");
  if (flags.has("process-label")) process.selinux_label = flags.text("process-label");
  if (flags.has("no-new-privs")) process.no_new_privileges = flags.on("no-new-privs");
  TRY(add_capabilities(invocation, process));
  return process;
}

Result<runtime::Process> wanted_process(const Invocation& invocation, const runtime::BundleRuntime& runtime) {
  const std::string file = invocation.flags.text("process");
  if (!file.empty()) return runtime::parse_process_text(TRY(read_file(file, 4 << 20)), file);
  return described_process(invocation, TRY(runtime.config(invocation.arguments[0])));
}

}  // namespace

Result<int> run_runtime_exec(Invocation& invocation) {
  seal_program(invocation);
  const ParsedFlags& flags = invocation.flags;
  runtime::BundleRuntime runtime = TRY(bundle_runtime(invocation));
  runtime::BundleExec exec;
  exec.id = invocation.arguments[0];
  exec.process = TRY(wanted_process(invocation, runtime));
  if (flags.on("tty")) exec.process.terminal = true;
  exec.cgroups = flags.list("cgroup");
  exec.preserved = TRY(preserved_count(invocation));
  exec.ignore_paused = flags.on("ignore-paused");
  exec.console_socket = absolute_path(flags.text("console-socket"));
  exec.pidfd_socket = absolute_path(flags.text("pidfd-socket"));
  const bool detach = flags.on("detach");
  if (detach && exec.process.terminal && exec.console_socket.empty())
    return fail(Code::invalid, "cannot allocate tty if it will detach without setting --console-socket");
  Fd console;
  const pid_t pid = TRY(runtime.exec(exec, &console));
  if (const std::string file = absolute_path(flags.text("pid-file")); !file.empty())
    TRY(write_file_atomic(file, std::to_string(pid), 0644));
  if (detach) return 0;
  return attend_process(pid, std::move(console));
}

}  // namespace consort::cli
