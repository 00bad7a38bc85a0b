// The helper process that drives an external runtime, and its side of the handshake in launch.hpp.
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/inherited.hpp"
#include "base/os/propagation.hpp"
#include "base/os/timer.hpp"
#include "base/strings.hpp"
#include "runtime/external.hpp"
#include "runtime/launch/child_files.hpp"
#include "runtime/launch/launch_protocol.hpp"
#include "runtime/launch/prepare.hpp"
#include "runtime/launch/rootfs.hpp"

namespace consort::runtime {

using internal::ReportKind;

namespace {

std::vector<std::string> command_of(const ExternalRuntime& runtime, const std::string& log,
                                    std::vector<std::string> words) {
  std::vector<std::string> command = {runtime.program};
  if (!runtime.state_root.empty()) command.insert(command.end(), {"--root", runtime.state_root});
  if (!log.empty()) command.insert(command.end(), {"--log", log, "--log-format", "json"});
  command.insert(command.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
  return command;
}

// A source that is mounted from a descriptor of the caller instead of by name.
struct OpenSource {
  std::size_t number;  // of the mount in the bundle
  Fd tree;             // detached
};

constexpr std::string_view descriptors = "/proc/self/fd/";
constexpr std::size_t output_limit = 1 << 20;

Result<std::vector<OpenSource>> open_sources_of(const Spec& spec) {
  std::vector<OpenSource> sources;
  for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
    const Mount& mount = spec.mounts[i];
    if (!mount.source.starts_with(descriptors)) continue;
    Fd tree = TRY_WRAP(internal::clone_path(mount.source, internal::Recursion::all), "mount", mount.destination);
    sources.push_back({i, std::move(tree)});
  }
  return sources;
}

Result<std::map<std::string, Fd>> open_namespaces_of(const Spec& spec, int network) {
  std::map<std::string, Fd> opened;
  for (const Namespace& joined : spec.linux_.namespaces) {
    const bool ipc = joined.kind == NamespaceKind::ipc;
    if (joined.path.starts_with(descriptors) && (ipc || joined.kind == NamespaceKind::pid))
      opened[ipc ? "ipc" : "pid"] = TRY(open_file(joined.path, O_RDONLY));
  }
  if (network >= 0) opened["network"] = TRY(duplicate(network));
  return opened;
}

// The state of the helper. It is a plain fork of a single-threaded program, so ordinary code may run in it.
struct Helper {
  ExternalRuntime runtime;
  std::string id;
  std::string place;  // directory created for the program: config.json, rootfs, log, pid, console.sock
  std::string config;
  std::string init_program;
  Fd root;  // detached overlay
  std::vector<OpenSource> sources;
  std::map<std::string, Fd> namespaces;  // to join, by their OCI types
  Fd in, out, err;
  bool terminal = false;
  int sync = -1;

  Result<> make_bundle() const;
  Result<std::map<std::size_t, std::string>> hang_in_sources() const;
  Result<Fd> listen_for_console() const;
  Result<Fd> create(int listener) const;
  Result<ExitStatus> end_of(ChildGuard child, int listener, Fd& console) const;
  Result<> run(std::vector<std::string> words, int cancel) const;
  Error program_error(const ExitStatus& status, std::string_view verb) const;
  void take_away() const;
  Result<> live() const;
};

// Mounts each source at a path that no other process can change, whatever the program then does with the path.
Result<std::map<std::size_t, std::string>> Helper::hang_in_sources() const {
  std::map<std::size_t, std::string> paths;
  for (const OpenSource& source : sources) {
    const std::string path = place + "/mount-" + std::to_string(source.number);
    struct stat st {};
    if (::fstat(source.tree.get(), &st) != 0) return fail_errno("look at", path);
    TRY(remove_tree(path));  // from an earlier start
    if (S_ISDIR(st.st_mode))
      TRY(make_directories(path));
    else
      TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
    if (::syscall(SYS_move_mount, source.tree.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
      return fail_errno("mount part of volume on", path);
    paths[source.number] = path;
  }
  return paths;
}

Result<> Helper::make_bundle() const {
  if (::unshare(CLONE_NEWNS) != 0) return fail_errno("create mount namespace");
  if (set_propagation(MS_SLAVE) != 0) return fail_errno("separate mounts");
  const std::string rootfs = place + "/rootfs";
  TRY(make_directories(rootfs));
  if (::syscall(SYS_move_mount, root.get(), "", AT_FDCWD, rootfs.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return fail_errno("mount overlay on", rootfs);
  PortableParts parts{.rootfs = root.get(), .init_program = init_program, .namespaces = {}, .sources = {}};
  // Through our descriptors, because the program's first process opens the path itself.
  for (const auto& [type, fd] : namespaces)
    parts.namespaces[type] = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd.get());
  parts.sources = TRY(hang_in_sources());
  const std::string portable = TRY(portable_config(config, "config.json", parts));
  return write_file_atomic(place + "/config.json", portable, 0600);
}

// A stream socket, as for the OCI runtimes' --console-socket. Only short paths fit (sockaddr_un), so it is relative.
Result<Fd> Helper::listen_for_console() const {
  if (::chdir(place.c_str()) != 0) return fail_errno("enter", place);
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) return fail_errno("create socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "console.sock");
  ::unlink(address.sun_path);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 1) != 0)
    return fail_errno("listen for console");
  return listener;
}

// If cancel is readable, the caller no longer waits.
Result<Fd> receive_console(int listener, int cancel) {
  const Fd peer(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (!peer) return fail_errno("accept console");
  pollfd waits[2] = {{peer.get(), POLLIN, 0}, {cancel, POLLIN, 0}};
  while (::poll(waits, 2, -1) < 0)
    if (errno != EINTR) return fail_errno("wait for console");
  if (waits[1].revents) return fail(Code::interrupted, "receive console");
  char name[4096];
  iovec part{name, sizeof name};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(peer.get(), &message, MSG_CMSG_CLOEXEC) < 0) return fail_errno("receive console");
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_type != SCM_RIGHTS) return fail(Code::io, "receive console");
  int fd;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return Fd(fd);
}

// The last message in the program's log, which is JSON lines, or its exit code.
Error Helper::program_error(const ExitStatus& status, std::string_view verb) const {
  std::string said;
  for (const std::string& line : split(read_file(place + "/log").value_or(""), '\n')) {
    const Result<Json> entry = parse_json(line, "log");
    if (entry && !get_string(*entry, "msg").empty() && get_string(*entry, "level") != "warning")
      said = get_string(*entry, "msg");
  }
  if (said.empty()) said = "exit code " + std::to_string(status.code);
  return Error(Code::io, runtime.program + " " + std::string(verb)).why(said);
}

Result<Fd> Helper::create(int listener) const {
  std::vector<std::string> words = {"create", "--bundle", place, "--pid-file", place + "/pid"};
  if (terminal) words.insert(words.end(), {"--console-socket", "console.sock"});  // this is the working directory
  words.push_back(id);
  SpawnOptions options;
  options.argv = command_of(runtime, place + "/log", std::move(words));
  // The program passes its own streams on to the container, which opens /dev/null again inside.
  const Fd null = TRY(open_file("/dev/null", O_RDWR));
  options.in = in ? in.get() : null.get();
  options.out = out ? out.get() : null.get();
  options.err = err ? err.get() : null.get();
  Fd console;
  const ExitStatus status = TRY(end_of(TRY(spawn(options)), listener, console));
  if (!status.success()) return fail(program_error(status, "create"));
  return console;
}

// Kills it as soon as our caller has given up or is gone.
Result<ExitStatus> Helper::end_of(ChildGuard child, int listener, Fd& console) const {
  const Fd ended = TRY(open_pidfd(child.pid()));
  while (true) {
    pollfd waits[3] = {{console ? -1 : listener, POLLIN, 0}, {ended.get(), POLLIN, 0}, {sync, POLLIN, 0}};
    if (::poll(waits, 3, -1) < 0 && errno != EINTR) return fail_errno("wait for program", runtime.program);
    if (waits[2].revents) return fail(Code::interrupted, "run", runtime.program);
    if (waits[0].revents) console = TRY(receive_console(listener, sync));
    if (waits[1].revents) return child.wait();
  }
}

Result<> Helper::run(std::vector<std::string> words, int cancel) const {
  const std::string verb = words[0];
  const Captured captured =
      TRY(run_and_capture({.argv = command_of(runtime, place + "/log", std::move(words))}, {}, output_limit, cancel));
  if (!captured.status.success()) return fail(program_error(captured.status, verb));
  return {};
}

void Helper::take_away() const {
  if (const auto deadline = timer_of(runtime.patience)) (void)run({"delete", "--force", id}, deadline->get());
}

Result<> Helper::live() const {
  TRY(make_bundle());
  Fd listener;
  if (terminal) listener = TRY(listen_for_console());
  const Fd console = TRY(create(listener.get()));
  const auto pid = parse_signed(trim(TRY(read_file(place + "/pid", 64))));
  if (!pid) return fail(Code::io, runtime.program + " create", "gave no pid");
  (void)internal::send_report(sync, {ReportKind::ready, 0, 0, static_cast<std::int32_t>(*pid)}, {}, console.get());
  char go;
  if (::recv(sync, &go, 1, 0) != 1) return fail(Code::lost, "start container");
  TRY(run({"start", id}, sync));
  (void)internal::send_report(sync, {ReportKind::executing, 0, 0, 0});
  return {};
}

// Like every child created without execve, it must not keep anything open whose end its parent waits for.
void close_others(const Helper& helper) {
  std::vector<int> kept{helper.sync};
  for (const Fd* fd : {&helper.root, &helper.in, &helper.out, &helper.err})
    if (*fd) kept.push_back(fd->get());
  for (const auto& [type, fd] : helper.namespaces) kept.push_back(fd.get());
  for (const OpenSource& source : helper.sources) kept.push_back(source.tree.get());
  std::ranges::sort(kept);
  internal::close_all_but(kept);
}

[[noreturn]] void be_helper(const Helper& helper) {
  close_others(helper);
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // The program inherits our settings, and so does the container where its configuration does not override them.
  reset_scheduling();
  reset_limits();
  const Result<> lived = helper.live();
  if (!lived) {
    const auto step = static_cast<std::uint32_t>(internal::StepId::external);
    (void)internal::send_report(helper.sync, {ReportKind::failed, step, 0, 0}, lived.error().message());
    helper.take_away();
  }
  ::_exit(0);
}

}  // namespace

Result<Launch> begin_external(const ExternalRuntime& runtime, const Spec& spec, const LaunchOptions& options) {
  Helper helper;
  helper.runtime = runtime;
  helper.id = options.id;
  helper.place = options.bundle + "/external";
  helper.config = TRY(read_file(options.bundle + "/config.json"));
  helper.init_program = options.init_program;
  helper.terminal = spec.process.terminal;
  TRY(make_directories(helper.place, 0700));
  TRY(remove_file(helper.place + "/log"));

  internal::Prepared plan;
  TRY(internal::prepare_root(spec, options, plan));
  helper.sources = TRY(open_sources_of(spec));
  // Without a terminal the program passes on its streams; with one it does not need them.
  TRY(internal::prepare_stdio(options.stdio, plan));
  helper.root = std::move(plan.root);
  helper.in = std::move(plan.in);
  helper.out = std::move(plan.out);
  helper.err = std::move(plan.err);
  helper.namespaces = TRY(open_namespaces_of(spec, options.netns_fd));

  auto [ours, theirs] = TRY(make_socket_pair(SOCK_SEQPACKET));
  helper.sync = theirs.get();
  auto impl = std::make_unique<Launch::Impl>();
  impl->cgroup_path = spec.linux_.cgroups_path.empty() ? "/consort/" + options.id : spec.linux_.cgroups_path;
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("create process");
  if (child == 0) be_helper(helper);
  impl->helper = child;
  impl->sync = std::move(ours);
  return Launch(std::move(impl));
}

Result<> remove_external(const ExternalRuntime& runtime, const std::string& id) {
  const Fd deadline = TRY(timer_of(runtime.patience));
  auto ran =
      run_and_capture({.argv = command_of(runtime, "", {"delete", "--force", id})}, {}, output_limit, deadline.get());
  if (!ran && ran.error().code() == Code::interrupted)
    return fail(Error(Code::busy, runtime.program + " delete").on(id).why("it did not end, and was killed"));
  if (!ran) return fail(std::move(ran).error());
  if (ran->status.success() || ran->err.contains("does not exist")) return {};
  return fail(Error(Code::io, runtime.program + " delete").on(id).why(std::string(trim(ran->err))));
}

}  // namespace consort::runtime
