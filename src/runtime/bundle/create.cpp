// create: from a bundle to a process that waits.
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "runtime/bundle/container_directory.hpp"
#include "runtime/bundle/hooks.hpp"
#include "runtime/bundle/parts.hpp"
#include "runtime/defaults.hpp"
#include "runtime/foreign.hpp"

namespace consort::runtime {

namespace internal {

Result<> send_descriptor(const std::string& path, const std::string& text, int descriptor) {
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("create socket");
  const UnixAddress address = TRY(unix_address(path));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size) != 0)
    return fail_errno("connect to", path);
  iovec part{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  __builtin_memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  const ssize_t sent = ::sendmsg(socket.get(), &message, MSG_NOSIGNAL);
  if (sent < 0) return fail_errno("send to", path);
  const std::string_view rest = std::string_view(text).substr(static_cast<std::size_t>(sent));
  return rest.empty() ? Result<>() : write_full(socket.get(), rest);
}

std::function<Result<>(pid_t, Fd)> listener_sender(const BundleState& state, const BundleFilter& filter) {
  return [state, path = filter.listener_path, metadata = filter.listener_metadata](pid_t pid, Fd listener) {
    BundleState now = state;
    if (now.pid == 0) now.pid = pid;
    const Result<Json> inner = parse_json(state_json(now), "state");
    const Json json = {{"ociVersion", now.oci_version},
                       {"fds", Json::array({"seccompFd"})},
                       {"pid", pid},
                       {"metadata", metadata},
                       {"state", inner ? *inner : Json::object()}};
    return send_descriptor(path, dump_json(json), listener.get());
  };
}

void unmount_root(const std::string& rootfs) {
  (void)::umount2(rootfs.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
}

}  // namespace internal

namespace {

using internal::ContainerDirectory;
using internal::HookCall;
using internal::HookPlace;

std::string user_name() {
  const passwd* const entry = ::getpwuid(::geteuid());
  return entry && entry->pw_name ? entry->pw_name : std::to_string(::geteuid());
}

// Opened for reading and writing, so that neither open() nor read() ever returns by itself.
Result<Fd> make_fifo(const std::string& path) {
  if (::mkfifo(path.c_str(), 0600) != 0) return fail_errno("create", path);
  return open_file(path, O_RDWR);
}

bool group_exists(const std::string& path) {
  return !Cgroup::open(path).views().empty();
}

// Starts with "deny all", then the bundle's rules, then the devices that OCI requires in every container, as in runc.
void complete_device_rules(std::vector<DeviceRule>& rules) {
  const std::vector<DeviceRule> standard = default_device_rules();
  rules.insert(rules.begin(), standard.front());  // denies all
  rules.insert(rules.end(), standard.begin() + 1, standard.end());
}

class Creation {
 public:
  Creation(ContainerDirectory directory, const CreateOptions& options, const BundleRuntime::Warn& warn)
      : directory_(std::move(directory)), options_(options), warn_(warn) {}

  Result<> read_bundle(bool attended);
  Result<> launch();
  Result<> hand_over(Fd* console);
  void undo();
  pid_t pid() const { return directory_.record.pid; }

 private:
  Result<> note_process(pid_t pid);
  Result<> run_create_hooks(pid_t pid);
  HookCall hook_call(std::string_view kind, HookPlace place, BundleStatus status = BundleStatus::creating) const;

  ContainerDirectory directory_;
  const CreateOptions& options_;
  const BundleRuntime::Warn& warn_;
  Spec spec_;
  internal::BundleFilter filter_;
  Fd gate_, answer_;
  ForeignBundle foreign_;
  std::unique_ptr<Launch> launch_;
  bool hooks_ran_ = false;
  bool names_group_ = false;  // the configuration names a cgroup
};

Result<> Creation::read_bundle(bool attended) {
  const std::string config = options_.config.empty() ? options_.bundle + "/config.json" : options_.config;
  const std::string text = TRY(read_file(config));
  spec_ = TRY(parse_spec(text, config));
  TRY(internal::check_spec(spec_));
  for (const std::string& name : internal::unknown_capabilities(text)) {
    if (spec_.oci_version.starts_with("1.0."))
      return fail(Error(Code::invalid, "process.capabilities").on("\"" + name + "\"").why("no such capability"));
    warn_("process.capabilities: there is no " + name + ", ignored");
  }
  if (!spec_.has_process) spec_.process.args = {"/"};
  if (options_.sockets > 0) {
    spec_.process.env.push_back("LISTEN_FDS=" + std::to_string(options_.sockets));
    spec_.process.env.emplace_back("LISTEN_PID=1");
  }
  if (!spec_.process.capabilities) spec_.process.capabilities.emplace();  // capabilities in no set are not granted
  if (spec_.process.terminal && options_.console_socket.empty() && !attended)
    return fail(Error(Code::invalid, "create container").why("a terminal needs --console-socket"));
  if (!options_.console_socket.empty() && !spec_.process.terminal)
    return fail(
        Error(Code::invalid, "create container").why("--console-socket is given, and the process has no terminal"));
  filter_ = TRY(internal::compile_filter(text, config));
  complete_device_rules(spec_.linux_.resources.devices);
  internal::Record& record = directory_.record;
  record.oci_version = spec_.oci_version;
  record.bundle = options_.bundle;
  record.rootfs = join_path(options_.bundle, spec_.root_path);
  record.created = format_rfc3339(system_now());
  record.owner = user_name();
  names_group_ = !spec_.linux_.cgroups_path.empty();
  record.cgroup = TRY(internal::cgroup_path(spec_, directory_.id(), options_.systemd_paths));
  spec_.linux_.cgroups_path = record.cgroup;
  record.own_cgroup = !group_exists(record.cgroup);
  record.host_mounts = !spec_.find_namespace(NamespaceKind::mount);
  TRY(write_file_atomic(directory_.path("config.json"), text, 0600));
  if (!filter_.program.empty()) TRY(write_file_atomic(directory_.path("seccomp.bpf"), filter_.program, 0600));
  return directory_.save();
}

HookCall Creation::hook_call(std::string_view kind, HookPlace place, BundleStatus status) const {
  return {kind, state_json(directory_.state_as(status)), options_.bundle, place, directory_.record.pid};
}

Result<> Creation::note_process(pid_t pid) {
  directory_.record.pid = pid;
  directory_.record.start_time = TRY(process_start_time(pid));
  return directory_.save();
}

Result<> Creation::run_create_hooks(pid_t pid) {
  TRY(note_process(pid));
  hooks_ran_ = true;
  // Hooks written for version 1.0 of the specification, where they belonged to start, expect "created".
  TRY(internal::run_hooks(spec_.hooks.prestart, hook_call("prestart", HookPlace::runtime, BundleStatus::created)));
  TRY(internal::run_hooks(spec_.hooks.create_runtime, hook_call("createRuntime", HookPlace::runtime)));
  return internal::run_hooks(spec_.hooks.create_container, hook_call("createContainer", HookPlace::before_pivot));
}

Result<> Creation::launch() {
  gate_ = TRY(make_fifo(directory_.path("gate")));
  answer_ = TRY(make_fifo(directory_.path("answer")));
  foreign_.gate = gate_.get();
  foreign_.answer = answer_.get();
  foreign_.filter_flags = filter_.flags;
  foreign_.preserved = options_.preserved;
  foreign_.no_pivot = options_.no_pivot;
  const Hooks& hooks = spec_.hooks;
  if (!hooks.prestart.empty() || !hooks.create_runtime.empty() || !hooks.create_container.empty())
    foreign_.before_pivot = [this](pid_t pid) { return run_create_hooks(pid); };
  if (!filter_.listener_path.empty())
    foreign_.listener = internal::listener_sender(directory_.state_as(BundleStatus::creating), filter_);
  LaunchOptions options;
  options.id = directory_.id();
  options.bundle = options_.bundle;
  options.stdio = options_.stdio;
  options.foreign = &foreign_;
  // Also for root in a user namespace only, as created by rootless Podman.
  const bool root = ::geteuid() == 0 && !in_user_namespace();
  options.cgroup = root ? CgroupUse::required : CgroupUse::best_effort;
  if (!filter_.program.empty()) options.seccomp_bpf = directory_.path("seccomp.bpf");
  launch_ = std::make_unique<Launch>(TRY(Launch::begin(spec_, options)));
  TRY(launch_->wait_for(Launch::State::ready));
  // If no cgroup is possible and none was requested, this is not reported at every start.
  if (names_group_ || !launch_->cgroup_path().empty())
    for (const std::string& warning : launch_->warnings()) warn_(warning);
  if (launch_->cgroup_path().empty()) directory_.record.cgroup.clear();
  return note_process(launch_->pid());
}

// Everything about the process is recorded before it is released: until then it dies with us.
Result<> Creation::hand_over(Fd* console) {
  if (spec_.process.terminal) {
    Fd master = launch_->take_console();
    if (!options_.console_socket.empty())
      TRY_WRAP(internal::send_descriptor(options_.console_socket, "/dev/ptmx", master.get()), "send terminal");
    else if (console)
      *console = std::move(master);
  }
  if (!options_.pidfd_socket.empty())
    TRY_WRAP(internal::send_descriptor(options_.pidfd_socket, "pidfd", launch_->pidfd()), "send process");
  if (!options_.pid_file.empty()) TRY(write_file_atomic(options_.pid_file, std::to_string(pid()), 0644));
  directory_.record.complete = true;
  TRY(directory_.save());
  return launch_->start();
}

void Creation::undo() {
  launch_.reset();  // kills, and removes the cgroup
  const internal::Record& record = directory_.record;
  if (record.host_mounts) internal::unmount_root(record.rootfs);
  if (hooks_ran_) {
    const HookCall call = hook_call("poststop", HookPlace::runtime, BundleStatus::stopped);
    internal::run_all_hooks(spec_.hooks.poststop, call, warn_);
  }
  (void)directory_.remove();
}

}  // namespace

Result<pid_t> BundleRuntime::create(const CreateOptions& options, Fd* console) {
  const Result<struct stat> bundle = stat_path(options.bundle);
  if (!bundle) return fail(Error(Code::not_found, "bundle").on(options.bundle).why("no such file or directory"));
  Creation creation(TRY(ContainerDirectory::make(root_, options.id)), options, warn_);
  const auto all = [&]() -> Result<> {
    TRY(creation.read_bundle(console != nullptr));
    TRY(creation.launch());
    return creation.hand_over(console);
  };
  if (Result<> done = all(); !done) {
    creation.undo();
    return fail(std::move(done).error());
  }
  return creation.pid();
}

}  // namespace consort::runtime
