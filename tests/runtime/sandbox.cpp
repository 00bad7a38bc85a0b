#include "sandbox.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "../facilities.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort::runtime {

namespace {

// Part of every name, so that parallel tests do not mistake each other's leftovers for their own.
std::string tag() {
  const char* const given = ::getenv("CONSORT_TEST_TAG");
  return given ? given : std::to_string(::getpid());
}

}  // namespace

Sandbox::Sandbox() {
  std::string name = "/tmp/consort-runtime-" + tag() + "-XXXXXX";
  if (!::mkdtemp(name.data())) ::abort();
  directory_ = name;
  id_ = "test-" + tag() + "-" + name.substr(name.size() - 6);
  for (const char* const directory : {"/lower", "/upper", "/work", "/lower/etc", "/lower/tmp", "/lower/bin"})
    (void)make_directories(directory_ + directory);
  ::chmod(directory_.c_str(), 0755);
  std::filesystem::copy_file(CONSORT_PROBE, lower() + "/probe");
  write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000:Alice:/home/alice:/bin/sh\n");
  write("/etc/group", "root:x:0:\nalice:x:1000:\naudio:x:29:alice\nstaff:x:50:bob,alice\n");
}

Sandbox::~Sandbox() {
  (void)remove_tree(directory_);
}

std::string Sandbox::why_not() {
  if (const std::string reason = test::why_no_containers(); !reason.empty()) return reason;
  if (cgroup_version() == CgroupVersion::none) return "no cgroup hierarchy is mounted";
  return {};
}

void Sandbox::write(const std::string& path, const std::string& text, int mode) {
  (void)make_directories(dir_name(lower() + path));
  (void)write_file_atomic(lower() + path, text, static_cast<mode_t>(mode));
}

Spec Sandbox::spec(std::vector<std::string> words) const {
  Spec spec;
  spec.oci_version = "1.2.0";
  spec.process.args = {"/probe"};
  spec.process.args.insert(spec.process.args.end(), words.begin(), words.end());
  spec.process.env = {"PATH=/bin:/"};
  Capabilities sets;
  sets.bounding = sets.effective = sets.permitted = default_capabilities;
  spec.process.capabilities = sets;
  spec.hostname = "probe";
  spec.mounts = default_mounts();
  spec.linux_.namespaces = default_namespaces();
  spec.linux_.masked_paths = default_masked_paths();
  spec.linux_.readonly_paths = default_readonly_paths();
  spec.linux_.resources.devices = default_device_rules();
  spec.linux_.cgroups_path = "/consort-test/" + id_;
  return spec;
}

LaunchOptions Sandbox::options() const {
  LaunchOptions options;
  options.id = id_;
  options.bundle = directory_;
  options.overlay = OverlayRoot{{lower()}, upper(), directory_ + "/work"};
  return options;
}

namespace {

// Reads both streams to their ends. A process that holds them open longer than the container counts as part of it.
Result<> collect(Fd out, Fd err, Outcome& outcome) {
  while (out || err) {
    std::array<pollfd, 2> waits{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0}};
    if (::poll(waits.data(), 2, -1) < 0) return fail_errno("poll");
    for (auto [wait, fd, text] : {std::tuple{&waits[0], &out, &outcome.out}, {&waits[1], &err, &outcome.err}}) {
      if (!wait->revents) continue;
      std::array<char, 65536> buffer;
      const std::size_t got = TRY(read_some(fd->get(), std::as_writable_bytes(std::span(buffer))));
      if (got == 0) fd->reset();
      text->append(buffer.data(), got);
    }
  }
  return {};
}

}  // namespace

Result<Outcome> Sandbox::run(const Spec& spec, LaunchOptions options) {
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());
  if (options.stdio.out < 0) options.stdio.out = out.write.get();
  if (options.stdio.err < 0) options.stdio.err = err.write.get();
  Launch launch = TRY(Launch::begin(spec, options));
  TRY(launch.wait_for(Launch::State::ready));
  TRY(launch.start());
  TRY(launch.wait_for(Launch::State::started));
  ChildGuard child(launch.pid());
  out.write.reset();
  err.write.reset();
  Outcome outcome;
  TRY(collect(std::move(out.read), std::move(err.read), outcome));
  outcome.code = TRY(child.wait()).code;
  const Cgroup cgroup = Cgroup::open(launch.cgroup_path());
  outcome.oom_killed = cgroup.oom_kills() > 0;
  TRY(cgroup.remove());
  return outcome;
}

Result<Running> Running::start(Sandbox&, const Spec& spec, LaunchOptions options) {
  Pipe out = TRY(make_pipe());
  if (options.stdio.out < 0) options.stdio.out = out.write.get();
  Launch launch = TRY(Launch::begin(spec, options));
  TRY(launch.wait_for(Launch::State::ready));
  TRY(launch.start());
  TRY(launch.wait_for(Launch::State::started));
  Running running;
  running.child_ = ChildGuard(launch.pid());
  running.pidfd_ = launch.take_pidfd();
  running.console_ = launch.take_console();
  running.out_ = std::move(out.read);
  running.cgroup_path_ = launch.cgroup_path();
  return running;
}

Running::~Running() {
  { const ChildGuard kill = std::move(child_); }
  if (!cgroup_path_.empty()) (void)Cgroup::open(cgroup_path_).remove();
}

Result<std::string> Running::read_line() {
  std::string line;
  char c;
  while (TRY(read_some(out_.get(), std::as_writable_bytes(std::span(&c, 1)))) == 1 && c != '\n') line += c;
  return line;
}

std::string host_traces() {
  std::string text;
  for (const std::string& line : split(read_file("/proc/self/mountinfo").value_or(""), '\n'))
    if (line.contains("/consort-runtime-" + tag() + "-")) text += line + "\n";
  for (const char* const hierarchy : {"memory", "pids", "devices", "unified", ""}) {
    std::error_code ignored;
    const std::string path = "/sys/fs/cgroup/" + std::string(hierarchy) + "/consort-test";
    for (const auto& entry : std::filesystem::directory_iterator(path, ignored))
      if (entry.path().string().contains("/test-" + tag() + "-")) text += entry.path().string() + "\n";
  }
  return text;
}

}  // namespace consort::runtime
