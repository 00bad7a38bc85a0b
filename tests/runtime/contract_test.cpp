// Requirements on every runtime, tested with ours and with an installed one.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <thread>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "odd_caller.hpp"
#include "runtime/external.hpp"
#include "sandbox.hpp"

namespace consort::runtime {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Json names_json(std::uint64_t mask) {
  return capability_names(mask);
}

// The text of the bundle that both runtimes get.
std::string config_of(const Spec& spec) {
  Json config = {{"ociVersion", "1.0.2"}, {"hostname", spec.hostname}, {"root", {{"path", "rootfs"}}}};
  const Json sets = names_json(default_capabilities);
  config["process"] = {{"args", spec.process.args},
                       {"env", spec.process.env},
                       {"cwd", spec.process.cwd},
                       {"terminal", spec.process.terminal},
                       {"user", {{"uid", 0}, {"gid", 0}}},
                       {"capabilities", {{"bounding", sets}, {"effective", sets}, {"permitted", sets}}}};
  config["annotations"] = {{"dev.consort.user", spec.process.user.name}};
  config["mounts"] = Json::array();
  for (const Mount& m : spec.mounts)
    config["mounts"].push_back(
        {{"destination", m.destination}, {"type", m.type}, {"source", m.source}, {"options", m.options}});
  config["linux"] = {{"cgroupsPath", spec.linux_.cgroups_path},
                     {"maskedPaths", spec.linux_.masked_paths},
                     {"readonlyPaths", spec.linux_.readonly_paths},
                     {"resources", {{"memory", {{"limit", 64 << 20}}}, {"pids", {{"limit", 50}}}}}};
  for (const char* const type : {"mount", "pid", "network", "uts", "cgroup"})
    config["linux"]["namespaces"].push_back({{"type", type}});
  Json ipc = {{"type", "ipc"}};
  if (const std::string& path = spec.find_namespace(NamespaceKind::ipc)->path; !path.empty()) ipc["path"] = path;
  config["linux"]["namespaces"].push_back(std::move(ipc));
  return dump_json(config);
}

class RuntimeContract : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (const std::string reason = Sandbox::why_not(); !reason.empty()) GTEST_SKIP() << reason;
    external_ = {GetParam(), sandbox.directory() + "/state"};
    if (is_ours()) return;
    if (!run_and_capture({.argv = {GetParam(), "--version"}})) GTEST_SKIP() << GetParam() << " is not installed";
    // As in the keeper, so that the container becomes our child.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  }
  void TearDown() override { ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); }
  bool is_ours() const { return std::string_view(GetParam()) == "ours"; }

  Result<Launch> begin(const Spec& spec, const LaunchOptions& options) {
    TRY(write_file_atomic(sandbox.directory() + "/config.json", config_of(spec)));
    Spec read = TRY(load_spec(sandbox.directory()));
    for (Mount& mount : read.mounts)
      if (opened_.contains(mount.source)) mount.source = "/proc/self/fd/" + std::to_string(opened_[mount.source].get());
    for (Namespace& joined : read.linux_.namespaces)
      if (opened_.contains(joined.path)) joined.path = "/proc/self/fd/" + std::to_string(opened_[joined.path].get());
    return is_ours() ? Launch::begin(read, options) : begin_external(external_, read, options);
  }
  Result<> clean(const Launch& launch) {
    if (!is_ours()) TRY(remove_external(external_, sandbox.id()));
    return Cgroup::open(launch.cgroup_path()).remove();
  }

  std::string run(const Spec& spec) {
    Pipe out = make_pipe().value();
    LaunchOptions options = sandbox.options();
    options.stdio.out = options.stdio.err = out.write.get();
    const auto all = [&]() -> Result<std::string> {
      Launch launch = TRY(begin(spec, options));
      TRY(launch.wait_for(Launch::State::ready));
      TRY(launch.start());
      TRY(launch.wait_for(Launch::State::started));
      ChildGuard child(launch.pid());
      out.write.reset();
      std::string text = TRY(read_all(out.read.get(), 1 << 20));
      const ExitStatus status = TRY(child.wait());
      TRY(clean(launch));
      return text + "code " + std::to_string(status.code);
    };
    Result<std::string> outcome = all();
    return outcome ? *outcome : outcome.error().message();
  }
  std::string see(std::vector<std::string> words) { return run(sandbox.spec(std::move(words))); }
  Sandbox sandbox;
  ExternalRuntime external_;
  std::map<std::string, Fd> opened_;  // opened by the caller
};

TEST_P(RuntimeContract, ExitCodesAndStreamsArePassedOn) {
  EXPECT_EQ(see({"echo", "out", "--", "echo-err", "err", "--", "exit", "9"}), "out\nerr\ncode 9");
}

TEST_P(RuntimeContract, FirstProcessHasItsOwnNamespacesAndName) {
  EXPECT_EQ(see({"pids", "--", "host"}), "pid=1 ppid=0 sid=1\nhostname=probe domainname=(none)\ncode 0");
}

TEST_P(RuntimeContract, CapabilitiesAreThoseAsked) {
  const std::string caps = see({"caps"});
  EXPECT_THAT(caps, HasSubstr("CapEff:\t00000000a80425fb\n"));
  EXPECT_THAT(caps, HasSubstr("CapBnd:\t00000000a80425fb\n"));
  EXPECT_THAT(caps, HasSubstr("CapAmb:\t0000000000000000\n"));
}

TEST_P(RuntimeContract, UserComesFromTheContainersFiles) {
  Spec spec = sandbox.spec({"id", "--", "env", "HOME", "--", "caps"});
  spec.process.user.name = "alice";
  const std::string out = run(spec);
  EXPECT_THAT(out, StartsWith("uid=1000 gid=1000 groups=29,50,1000 umask=0022\n/home/alice\n"));
  EXPECT_THAT(out, HasSubstr("CapEff:\t0000000000000000\n"));
}

TEST_P(RuntimeContract, DevicesAreThere) {
  EXPECT_EQ(
      see({"stat", "/dev/null", "/dev/zero", "/dev/tty", "--", "readlink", "/dev/fd", "--", "readlink", "/dev/ptmx"}),
      "/dev/null c 0666 0:0 1:3\n/dev/zero c 0666 0:0 1:5\n/dev/tty c 0666 0:0 5:0\n/proc/self/fd\npts/ptmx\n"
      "code 0");
}

TEST_P(RuntimeContract, PathsAreMaskedAndReadOnly) {
  EXPECT_EQ(see({"cat", "/proc/keys", "--", "ls", "/sys/firmware", "--", "open", "/proc/sys/kernel/domainname"}),
            "/proc/sys/kernel/domainname=EROFS\ncode 0");
}

TEST_P(RuntimeContract, NothingIsInheritedByAccident) {
  EXPECT_EQ(see({"fds"}), "0\n1\n2\ncode 0");
  EXPECT_EQ(see({"status", "SigBlk"}), "SigBlk:\t0000000000000000\ncode 0");
  // glibc's posix_spawn, by which we start an external program, leaves its internal signal 32 ignored.
  EXPECT_THAT(see({"status", "SigIgn"}), testing::MatchesRegex("SigIgn:\t00000000[08]0000000\ncode 0"));
}

TEST_P(RuntimeContract, WhoCallsMakesNoDifference) {
  const std::vector<std::string> words = {
      "cat", "/proc/self/limits", "/proc/self/personality", "--", "status", "Cpus_allowed", "Umask", "SigIgn",
      "--",  "scheduling"};
  const std::string plain = see(words);
  EXPECT_THAT(plain, testing::EndsWith("code 0"));
  const OddCaller caller;
  EXPECT_EQ(see(words), plain);
}

TEST_P(RuntimeContract, MissingProgramFailsTheStart) {
  Spec spec = sandbox.spec({});
  spec.process.args = {"nosuch"};
  EXPECT_THAT(run(spec), StartsWith("exec: \"nosuch\": executable file not found in $PATH"));
}

// The path has been replaced since it was opened; done twice, to check what the first start leaves.
TEST_P(RuntimeContract, WhatTheCallerHasOpenedIsMounted) {
  const std::string directory = sandbox.directory() + "/volume/part", file = sandbox.directory() + "/volume/file";
  std::filesystem::create_directories(directory);
  for (const std::string& path : {directory + "/word", file}) ASSERT_TRUE(write_file_atomic(path, "inside\n"));
  Spec spec = sandbox.spec({"cat", "/folder/word", "/file"});
  for (const auto& [source, target] : {std::pair(directory, "/folder"), std::pair(file, "/file")}) {
    opened_[source] = open_file(source, O_PATH).value();
    std::filesystem::rename(source, source + ".moved");
    std::filesystem::create_symlink("/", source);
    spec.mounts.push_back({target, "bind", source, {"rbind", "rslave", "rw"}});
  }
  EXPECT_EQ(run(spec), "inside\ninside\ncode 0");
  EXPECT_EQ(run(spec), "inside\ninside\ncode 0");
}

TEST_P(RuntimeContract, ANamespaceThatTheCallerHasOpenedIsJoined) {
  const std::string gone = "/proc/of-somebody-gone/ns/ipc";
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWIPC), 0);
    opened_[gone] = open_file("/proc/thread-self/ns/ipc", O_RDONLY).value();
  }).join();
  Spec spec = sandbox.spec({"namespaces"});
  for (Namespace& each : spec.linux_.namespaces)
    if (each.kind == NamespaceKind::ipc) each.path = gone;
  EXPECT_THAT(
      run(spec),
      HasSubstr(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(opened_[gone].get())).string()));
}

TEST_P(RuntimeContract, TerminalIsHandedOver) {
  Spec spec = sandbox.spec({"isatty"});
  spec.process.terminal = true;
  Launch launch = std::move(begin(spec, sandbox.options()).value());
  ASSERT_TRUE(launch.wait_for(Launch::State::ready));
  const Fd console = launch.take_console();
  ASSERT_TRUE(console);
  ASSERT_TRUE(launch.start());
  ASSERT_TRUE(launch.wait_for(Launch::State::started));
  ChildGuard child(launch.pid());
  char text[64] = {};
  EXPECT_GT(::read(console.get(), text, sizeof text - 1), 0);
  EXPECT_THAT(std::string(text), StartsWith("1 1 1 "));
  EXPECT_EQ(child.wait()->code, 0);
  EXPECT_TRUE(clean(launch));
}

TEST_P(RuntimeContract, LimitsHold) {
  EXPECT_THAT(see({"forkbomb"}), StartsWith("stopped at 49: EAGAIN\n"));
}

TEST_P(RuntimeContract, AnAbandonedStartLeavesNothing) {
  const std::string before = host_traces();
  {
    Launch launch = std::move(begin(sandbox.spec({"pause"}), sandbox.options()).value());
    ASSERT_TRUE(launch.wait_for(Launch::State::ready));
    if (!is_ours()) ChildGuard(launch.pid()).release();
  }
  EXPECT_EQ(host_traces(), before);
}

TEST(PortableConfig, IsOfAVersionThatOldRuntimesTake) {
  const auto made =
      portable_config(R"({"ociVersion": "1.2.0", "process": {"args": ["a"]}, "root": {"path": "/x"}})", "x", {});
  ASSERT_TRUE(made) << made.error().message();
  const auto config = parse_json(*made, "x");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->at("ociVersion"), "1.0.2");
  EXPECT_EQ(config->at("root").at("path"), "rootfs");
}

// Calls that end a container are given the runtime's full patience; its launch is not.
TEST(ExternalRuntimes, ThatHangAreKilled) {
  if (const std::string reason = Sandbox::why_not(); !reason.empty()) GTEST_SKIP() << reason;
  const Sandbox sandbox;
  const std::string program = sandbox.directory() + "/hangs";
  ASSERT_TRUE(write_file_atomic(program, "#!/bin/sh\nexec sleep 1000\n", 0755));
  const ExternalRuntime runtime{program, sandbox.directory() + "/state", std::chrono::milliseconds(50)};
  EXPECT_EQ(remove_external(runtime, "x").error().code(), Code::busy);
  const Spec spec = sandbox.spec({"pause"});
  ASSERT_TRUE(write_file_atomic(sandbox.directory() + "/config.json", config_of(spec)));
  auto launch = begin_external(runtime, load_spec(sandbox.directory()).value(), sandbox.options());
  ASSERT_TRUE(launch) << launch.error().message();
  EXPECT_EQ(launch->advance().value(), Launch::State::pending);
  const ChildGuard helper(launch->release_helper());  // nothing else ends it, so its end is awaited
  siginfo_t ended{};
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(helper.pid()), &ended, WEXITED | WNOWAIT), 0);
}

// runc is required everywhere, so that its absence shows as skipped tests; crun only where it exists and can use the
// machine's cgroups, which it cannot if both versions are mounted.
std::vector<const char*> runtimes() {
  std::vector<const char*> names = {"ours", "runc"};
  if (path_exists("/usr/bin/crun") && !path_exists("/sys/fs/cgroup/unified")) names.push_back("crun");
  return names;
}

INSTANTIATE_TEST_SUITE_P(Runtimes, RuntimeContract, testing::ValuesIn(runtimes()),
                         [](const auto& runtime) { return std::string(runtime.param); });

}  // namespace
}  // namespace consort::runtime
