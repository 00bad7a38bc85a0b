#include "build/exec/run_step.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"
#include "runtime/defaults.hpp"
#include "runtime/launch.hpp"
#include "runtime/seccomp.hpp"

namespace consort::build {
namespace {

constexpr std::uint64_t default_shm_bytes = std::uint64_t{64} << 20;

std::string hostname_of(const BuildRequest& request, const BuildEnvironment::Network& network) {
  const auto given = request.args.find("BUILDKIT_SANDBOX_HOSTNAME");
  return given == request.args.end() || given->second.empty() ? network.hostname : given->second;
}

// Each becomes a line of the file, or part of one.
bool is_one_line(const std::string& text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
}

Result<std::string> hosts_file(const BuildRequest& request, const BuildEnvironment::Network& network) {
  if (!is_one_line(hostname_of(request, network)))
    return fail(Error(Code::invalid).why("invalid BUILDKIT_SANDBOX_HOSTNAME"));
  std::string text =
      "127.0.0.1\tlocalhost " + hostname_of(request, network) + "\n::1\tlocalhost ip6-localhost ip6-loopback\n";
  for (const auto& entry : request.extra_hosts) {
    if (!is_one_line(entry)) return fail(Error(Code::invalid).why("invalid extra host: \"" + entry + "\""));
    auto at = entry.find('=');
    if (at == std::string::npos) at = entry.find(':');
    if (at == std::string::npos) continue;
    std::string address = entry.substr(at + 1);
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    if (address == "host-gateway") {
      address = network.host_gateway.empty() ? "127.0.0.1" : network.host_gateway;  // empty: the host's own network
    }
    text += address + "\t" + entry.substr(0, at) + "\n";
  }
  return text;
}

Result<std::string> resolv_conf(const BuildEnvironment::Network& network) {
  if (!network.resolv_conf.empty()) return network.resolv_conf;
  auto host = read_file("/etc/resolv.conf", 1 << 20);
  return host ? std::move(*host) : std::string();
}

runtime::Mount bind_mount(const std::string& source, const std::string& target, bool read_only) {
  runtime::Mount mount;
  mount.destination = target;
  mount.type = "bind";
  mount.source = source;
  mount.options = {"rbind", read_only ? "ro" : "rw"};
  return mount;
}

Result<> add_mounts(const RunStep& step, runtime::Spec& spec) {
  spec.mounts = runtime::default_mounts(step.request.shm_size_bytes.value_or(default_shm_bytes));
  const std::string hosts = step.bundle + "/hosts";
  const std::string resolv = step.bundle + "/resolv.conf";
  TRY(write_file_atomic(hosts, TRY(hosts_file(step.request, step.network))));
  const std::string nameservers = TRY(resolv_conf(step.network));
  TRY(write_file_atomic(resolv, nameservers));
  spec.mounts.push_back(bind_mount(resolv, "/etc/resolv.conf", true));
  spec.mounts.push_back(bind_mount(hosts, "/etc/hosts", true));
  for (const auto& mount : step.mounts) {
    if (!mount.source.empty()) {
      spec.mounts.push_back(bind_mount(mount.source, mount.target, mount.read_only));
      continue;
    }
    runtime::Mount tmpfs;
    tmpfs.destination = mount.target;
    tmpfs.type = tmpfs.source = "tmpfs";
    tmpfs.options = {"nosuid"};
    if (mount.size_bytes > 0) tmpfs.options.push_back("size=" + std::to_string(mount.size_bytes));
    spec.mounts.push_back(std::move(tmpfs));
  }
  return {};
}

Result<runtime::Spec> spec_of(const RunStep& step) {
  const RunOperation& run = step.operation;
  runtime::Spec spec;
  spec.oci_version = "1.2.0";
  spec.hostname = hostname_of(step.request, step.network);
  spec.process.args = run.argv;
  spec.process.env = run.environment;
  for (const auto& extra : {run.hidden_environment, step.extra_environment}) {
    for (const auto& entry : extra) {
      const std::string key = entry.substr(0, entry.find('=') + 1);
      if (std::ranges::none_of(spec.process.env, [&](const auto& known) { return known.starts_with(key); }))
        spec.process.env.push_back(entry);
    }
  }
  spec.process.cwd = run.working_dir;
  spec.process.user.name = run.user;
  const std::uint64_t capabilities = run.insecure ? runtime::all_capabilities() : runtime::default_capabilities;
  spec.process.capabilities =
      runtime::Capabilities{.bounding = capabilities, .effective = capabilities, .permitted = capabilities};
  for (const auto& limit : step.request.ulimits) {
    const auto number = runtime::rlimit_number(limit.name);
    if (!number) return fail(Error(Code::invalid).why("invalid ulimit type: " + limit.name));
    const auto value = [](std::int64_t v) {
      return v < 0 ? static_cast<std::uint64_t>(RLIM_INFINITY) : static_cast<std::uint64_t>(v);
    };
    spec.process.rlimits.push_back({*number, value(limit.soft), value(limit.hard)});
  }
  spec.linux_.namespaces = runtime::default_namespaces();
  if (run.network == "host" || (run.network != "none" && !step.network.netns)) {
    std::erase_if(spec.linux_.namespaces, [](const auto& ns) { return ns.kind == runtime::NamespaceKind::network; });
  }
  if (step.limits) spec.linux_.resources = *step.limits;
  if (!run.insecure) {
    spec.linux_.masked_paths = runtime::default_masked_paths();
    spec.linux_.readonly_paths = runtime::default_readonly_paths();
    spec.linux_.resources.devices = runtime::default_device_rules();
  }
  TRY(add_mounts(step, spec));
  return spec;
}

// Directories and files that exist only as mount points: those that are not in the image are removed again. /dev, /proc
// and /sys stay, as in BuildKit.
class Stubs {
 public:
  static Result<Stubs> look(const RunStep& step) {
    Stubs stubs;
    stubs.upper_ = step.draft.directory();
    const Fd merged = TRY(open_merged(step.layers, step.draft.work()));
    std::vector<std::string> targets{"/etc/resolv.conf", "/etc/hosts"};
    if (step.request.shm_size_bytes) targets.emplace_back("/dev/shm");  // BuildKit then treats it as such a mount
    for (const auto& mount : step.mounts) targets.push_back(mount.target);
    for (const auto& target : targets) {
      std::string path;
      for (const auto& part : split(clean_path(target), '/')) {
        if (part.empty()) continue;
        path += (path.empty() ? "" : "/") + part;
        if (std::ranges::find(stubs.missing_, path) != stubs.missing_.end()) continue;
        if (!open_in_root(merged.get(), path, O_PATH | O_NOFOLLOW)) stubs.missing_.push_back(path);
      }
    }
    return stubs;
  }

  Result<> remove() const {
    const Fd upper = TRY(open_file(upper_, O_RDONLY | O_DIRECTORY));
    for (auto path = missing_.rbegin(); path != missing_.rend(); ++path) {
      const auto parent = open_in_root(upper.get(), path->contains('/') ? dir_name(*path) : ".", O_PATH | O_DIRECTORY);
      if (!parent) continue;
      const std::string name = base_name(*path);
      struct stat info {};
      if (::fstatat(parent->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (S_ISDIR(info.st_mode)) {
        ::unlinkat(parent->get(), name.c_str(), AT_REMOVEDIR);  // kept if not empty
      } else if (S_ISREG(info.st_mode) && info.st_size == 0) {
        ::unlinkat(parent->get(), name.c_str(), 0);
      }
    }
    return {};
  }

 private:
  std::string upper_;
  std::vector<std::string> missing_;  // parents come first
};

// A step's output, read by a separate thread. When the step's first process ends, all its other processes are killed;
// but they may have passed their descriptors to a process outside (through a socket in a cache mount, or /proc), and
// then the pipes stay open. So reading stops with the data that is in the pipes when the step has ended.
class StepOutput {
 public:
  static Result<std::unique_ptr<StepOutput>> read(const OutputSink& sink) {
    Fd over(::eventfd(0, EFD_CLOEXEC));
    if (!over) return fail_errno("eventfd");
    Pipe out = TRY(make_pipe()), err = TRY(make_pipe());
    for (const Pipe* pipe : {&out, &err}) TRY(set_nonblocking(pipe->read.get()));
    return std::unique_ptr<StepOutput>(new StepOutput(sink, std::move(over), std::move(out), std::move(err)));
  }
  ~StepOutput() { finish(); }
  StepOutput(const StepOutput&) = delete;
  StepOutput& operator=(const StepOutput&) = delete;

  int out() const { return out_.write.get(); }
  int err() const { return err_.write.get(); }
  // Call it when the step has ended: returns when all its output has been passed on.
  void finish() {
    if (!reader_.joinable()) return;
    const std::uint64_t one = 1;
    (void)write_full(over_.get(), std::as_bytes(std::span(&one, 1)));
    reader_.join();
  }

 private:
  StepOutput(OutputSink sink, Fd over, Pipe out, Pipe err)
      : sink_(std::move(sink)), over_(std::move(over)), out_(std::move(out)), err_(std::move(err)), reader_([this] {
          pump();
        }) {}

  void pump() {
    std::array<pollfd, 3> waits{{{out_.read.get(), POLLIN, 0}, {err_.read.get(), POLLIN, 0}, {over_.get(), POLLIN, 0}}};
    while (waits[2].revents == 0) {
      if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return;
      if (waits[2].revents != 0) break;
      if (waits[0].revents != 0) pass(out_, OutputStream::out, chunk);
      if (waits[1].revents != 0) pass(err_, OutputStream::err, chunk);
    }
    pass(out_, OutputStream::out, bytes_in(out_));
    pass(err_, OutputStream::err, bytes_in(err_));
  }

  static std::size_t bytes_in(const Pipe& pipe) {
    int waiting = 0;
    return ::ioctl(pipe.read.get(), FIONREAD, &waiting) == 0 && waiting > 0 ? static_cast<std::size_t>(waiting) : 0;
  }

  void pass(const Pipe& pipe, OutputStream stream, std::size_t most) {
    std::array<char, chunk> buffer;
    while (most > 0) {
      const ssize_t count = ::read(pipe.read.get(), buffer.data(), std::min(buffer.size(), most));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return;
      sink_(stream, {buffer.data(), static_cast<std::size_t>(count)});
      most -= static_cast<std::size_t>(count);
    }
  }

  static constexpr std::size_t chunk = 16384;
  OutputSink sink_;
  Fd over_;
  Pipe out_, err_;  // our write ends stay open: no end-of-file before the step ends
  std::thread reader_;
};

Result<std::string> seccomp_filter(const RunStep& step) {
  if (step.operation.insecure) return std::string();
  const std::string path = step.bundle + "/seccomp.bpf";
  const std::string filter =
      TRY(runtime::compile_seccomp(runtime::default_seccomp_profile(runtime::default_capabilities)));
  TRY(write_file_atomic(path, filter));
  return path;
}

}  // namespace

Result<std::optional<RunFailure>> run_step(const RunStep& step) {
  const auto has_nul = [](const std::string& word) { return word.contains('\0'); };
  if (std::ranges::any_of(step.operation.argv, has_nul)) {  // execve would see only the beginning
    step.output(OutputStream::err, "exec " + step.operation.argv.front() + ": invalid argument\n");
    return RunFailure{.exit_code = 255};
  }
  const runtime::Spec spec = TRY(spec_of(step));
  const Stubs stubs = TRY(Stubs::look(step));
  const auto output = TRY(StepOutput::read(step.output));
  runtime::LaunchOptions options;
  options.id = step.id;
  options.bundle = step.bundle;
  options.overlay.emplace();
  options.overlay->lower.assign(step.layers.directories.rbegin(), step.layers.directories.rend());
  options.overlay->upper = step.draft.directory();
  options.overlay->work = step.draft.work();
  options.overlay->sync = runtime::OverlaySync::never;
  options.stdio = {.in = -1, .out = output->out(), .err = output->err()};
  if (step.operation.network != "host" && step.operation.network != "none") options.netns_fd = step.network.netns.get();
  // Without root there may be no cgroup, but limits set by an administrator must not be ignored silently.
  const bool needs_group = step.limits != nullptr && !in_user_namespace();
  options.cgroup = needs_group ? runtime::CgroupUse::required : runtime::CgroupUse::best_effort;
  options.seccomp_bpf = TRY(seccomp_filter(step));
  std::string empty_lower;
  if (options.overlay->lower.empty()) {  // FROM scratch: overlayfs requires a lower layer
    empty_lower = step.bundle + "/empty";
    TRY(make_directories(empty_lower));
    options.overlay->lower.push_back(empty_lower);
  }
  auto outcome = runtime::run_to_end(spec, options, step.cancel_fd);
  output->finish();
  TRY(stubs.remove());
  if (!outcome) {
    if (outcome.error().code() == Code::interrupted) return std::unexpected(std::move(outcome).error());
    const int code = runtime::exit_code_of_failed_start(outcome.error());
    if (outcome.error().subject() == Subject::user && outcome.error().code() == Code::not_found)
      return RunFailure{.exit_code = code, .why = outcome.error().message()};
    step.output(OutputStream::err, outcome.error().message() + "\n");
    return RunFailure{.exit_code = code};
  }
  if (outcome->status.success()) return std::optional<RunFailure>{};
  const int code = outcome->status.signal ? 128 + outcome->status.signal : outcome->status.code;
  return RunFailure{.exit_code = code, .oom_killed = outcome->oom_killed};
}

}  // namespace consort::build
