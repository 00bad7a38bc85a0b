#include "runtime/seccomp.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "sandbox.hpp"
#include "seccomp_answers.hpp"

namespace consort::runtime {
namespace {

using testing::HasSubstr;

TEST(SeccompProfile, CapabilitiesOpenWhatTheyGuard) {
  EXPECT_THAT(default_seccomp_profile(0), testing::Not(HasSubstr("\"reboot\"")));
  EXPECT_THAT(default_seccomp_profile(std::uint64_t{1} << CAP_SYS_BOOT), HasSubstr("\"reboot\""));
  EXPECT_THAT(default_seccomp_profile(all_capabilities()), testing::Not(HasSubstr("\"keyctl\"")));
}

TEST(SeccompProfile, CompilesToWholeInstructions) {
  const Result<std::string> bytes = compile_seccomp(default_seccomp_profile(default_capabilities));
  ASSERT_TRUE(bytes) << bytes.error().message();
  EXPECT_EQ(bytes->size() % 8, 0u);
  EXPECT_GT(bytes->size(), 800u);
}

TEST(SeccompProfile, MistakesAreNamed) {
  const auto message = [](std::string_view json) { return compile_seccomp(json).error().message(); };
  EXPECT_EQ(message(R"({"defaultAction":"X"})"), "compile seccomp profile: unknown action \"X\"");
  EXPECT_EQ(message(R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["Z80"]})"),
            "compile seccomp profile: unknown architecture \"Z80\"");
}

TEST(SeccompProfile, DockersFormatIsResolved) {
  const std::string docker = R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,
    "archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]}],
    "syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"},
                {"names":["reboot"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_BOOT"]}},
                {"names":["acct"],"action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_BOOT"]}},
                {"names":["kcmp"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"99.1"}}]})";
  const std::string without = resolve_seccomp_profile(docker, "p.json", 0).value();
  EXPECT_THAT(without, HasSubstr("acct"));
  EXPECT_THAT(without, testing::Not(HasSubstr("reboot")));
  EXPECT_THAT(without, testing::Not(HasSubstr("kcmp")));
  const std::string with = resolve_seccomp_profile(docker, "p.json", std::uint64_t{1} << CAP_SYS_BOOT).value();
  EXPECT_THAT(with, HasSubstr("reboot"));
  EXPECT_THAT(with, testing::Not(HasSubstr("acct")));
}

#if defined(__x86_64__)
std::vector<sock_filter> filter_for(std::uint64_t capabilities) {
  const std::string bytes = compile_seccomp(default_seccomp_profile(capabilities)).value();
  std::vector<sock_filter> program(bytes.size() / sizeof(sock_filter));
  std::memcpy(program.data(), bytes.data(), bytes.size());
  return program;
}

// The answers for calls 0 to 480 in containers of Docker Engine 28.5.2, for several sets of capabilities, recorded by
// record-seccomp. (With --privileged or seccomp=unconfined, there is no filter at all.)
TEST(SeccompProfile, AnswersEveryCallAsDockersDoes) {
  const auto with = [](int capability) { return default_capabilities | std::uint64_t{1} << capability; };
  const std::pair<const char*, std::uint64_t> profiles[] = {
      {"default", default_capabilities},  {"sys-admin", with(CAP_SYS_ADMIN)}, {"sys-ptrace", with(CAP_SYS_PTRACE)},
      {"net-admin", with(CAP_NET_ADMIN)}, {"all", all_capabilities()},        {"none", 0}};
  for (const auto& [name, capabilities] : profiles) {
    const std::string file = std::string(CONSORT_TEST_DATA) + "/seccomp-answers/" + name;
    EXPECT_EQ(verdicts(filter_for(capabilities)), read_file(file).value_or("")) << file;
  }
}

TEST(SeccompProfile, SomeCallsDependOnTheirFirstArgument) {
  const auto plain = filter_for(default_capabilities);
  const auto admin = filter_for(default_capabilities | std::uint64_t{1} << CAP_SYS_ADMIN);
  for (const std::uint64_t flag :
       {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET}) {
    EXPECT_EQ(verdict(plain, SYS_clone, flag | SIGCHLD), "EPERM");
    EXPECT_EQ(verdict(admin, SYS_clone, flag | SIGCHLD), "allow");
  }
  EXPECT_EQ(verdict(plain, SYS_clone, SIGCHLD | CLONE_VM | CLONE_THREAD), "allow");
  for (const std::uint64_t persona : {0x0, 0x8, 0x20000, 0x20008}) {
    EXPECT_EQ(verdict(admin, SYS_personality, persona), "allow");
  }
  EXPECT_EQ(verdict(admin, SYS_personality, 0xffffffff), "allow");
  EXPECT_EQ(verdict(admin, SYS_personality, 0x0040000), "EPERM");
  EXPECT_EQ(verdict(admin, SYS_socket, AF_VSOCK), "EPERM");
  EXPECT_EQ(verdict(plain, SYS_socket, AF_INET), "allow");
}
#endif

class SeccompTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = Sandbox::why_not(); !reason.empty()) GTEST_SKIP() << reason;
  }
  std::string tried(std::uint64_t capabilities, bool no_new_privileges, std::vector<std::string> calls) {
    const std::string path = sandbox.directory() + "/seccomp.bpf";
    const Result<std::string> bytes = compile_seccomp(default_seccomp_profile(capabilities));
    if (!bytes || !write_file_atomic(path, *bytes)) return "no filter";
    calls.insert(calls.begin(), "try");
    Spec spec = sandbox.spec(std::move(calls));
    spec.process.no_new_privileges = no_new_privileges;
    Capabilities sets;
    sets.bounding = sets.effective = sets.permitted = capabilities;
    spec.process.capabilities = sets;
    LaunchOptions options = sandbox.options();
    options.seccomp_bpf = path;
    const Result<Outcome> outcome = sandbox.run(spec, options);
    return outcome ? outcome->out : outcome.error().message();
  }
  Sandbox sandbox;
};

TEST_F(SeccompTest, DefaultProfileMustRefuseWhatDockerRefuses) {
  const std::vector<std::string> calls = {"mount", "unshare", "userns", "keyctl",      "io_uring", "clone3",
                                          "bpf",   "chroot",  "future", "personality", "vsock",    "mknod"};
  const std::string expected =
      "mount=EPERM\nunshare=EPERM\nuserns=EPERM\nkeyctl=EPERM\nio_uring=EPERM\nclone3=ENOSYS\nbpf=EPERM\nchroot=ok\n"
      "future=ENOSYS\npersonality=ok\nvsock=EPERM\nmknod=ok\n";
  EXPECT_EQ(tried(default_capabilities, false, calls), expected);
  (void)remove_file(sandbox.upper() + "/tmp-probe-node");
  EXPECT_EQ(tried(default_capabilities, true, calls), expected);
}

TEST_F(SeccompTest, AllCapabilitiesStillLeaveSomeRefused) {
  EXPECT_EQ(tried(all_capabilities(), false, {"mount", "keyctl", "io_uring", "clone3"}),
            "mount=ok\nkeyctl=EPERM\nio_uring=EPERM\nclone3=EINVAL\n");
}

}  // namespace
}  // namespace consort::runtime
