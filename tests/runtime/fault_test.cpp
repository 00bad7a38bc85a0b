// Failing system calls, injected by strace: each failure must name its step and leave nothing behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cctype>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "sandbox.hpp"

namespace consort::runtime {
namespace {

struct Fault {
  const char* injected;
  const char* message;
};

class RuntimeFault : public testing::TestWithParam<Fault> {};

TEST_P(RuntimeFault, IsExplainedAndLeavesNothing) {
  if (const std::string reason = Sandbox::why_not(); !reason.empty()) GTEST_SKIP() << reason;
  const std::string call = std::string(GetParam().injected).substr(0, std::string(GetParam().injected).find(':'));
  ::setenv("CONSORT_TEST_TAG", std::to_string(::getpid()).c_str(), 1);  // also for the traced program
  ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);                        // LeakSanitizer does not work under strace
  const std::string before = host_traces();
  const Result<Captured> run =
      run_and_capture({.argv = {"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e",
                                std::string("inject=") + GetParam().injected, CONSORT_START_BENCH, "1"}});
  if (!run) GTEST_SKIP() << "strace is not installed";
  // Before Linux 6.7 the overlay is mounted by the calls that the child makes later.
  if (run->err.starts_with("mount overlay")) GTEST_SKIP() << "this kernel needs the call before the child does";
  EXPECT_EQ(run->err, std::string(GetParam().message) + "\n");
  EXPECT_EQ(run->status.code, 1);
  EXPECT_EQ(host_traces(), before);
}

INSTANTIATE_TEST_SUITE_P(
    Calls, RuntimeFault,
    testing::Values(Fault{"clone3:error=EPERM", "create process with namespaces: operation not permitted"},
                    Fault{"unshare:error=ENOSPC", "create cgroup namespace: no space left on device"},
                    Fault{"setsid:error=EPERM", "create session: operation not permitted"},
                    Fault{"sethostname:error=EPERM", "set hostname: operation not permitted"},
                    Fault{"mount:error=EACCES:when=1", "separate mounts from the host's: permission denied"},
                    Fault{"mount:error=EPERM:when=2", "attach root file system: operation not permitted"},
                    Fault{"mount:error=EPERM:when=3", "mount proc on \"/proc\": operation not permitted"},
                    Fault{"move_mount:error=EINVAL:when=1", "attach root file system: invalid argument"},
                    Fault{"mknodat:error=EPERM:when=2", "create device /dev/zero: operation not permitted"},
                    Fault{"pivot_root:error=EINVAL", "change root: invalid argument"},
                    Fault{"umount2:error=EBUSY:when=1", "change root: device or resource busy"},
                    Fault{"setgroups:error=EPERM", "set groups 0:0: operation not permitted"},
                    Fault{"setresuid:error=EAGAIN", "change user 0:0: resource temporarily unavailable"},
                    Fault{"capset:error=EPERM", "set capabilities: operation not permitted"},
                    Fault{"sendmsg:error=EPIPE:when=1", "wait for start: broken pipe"}),
    [](const auto& fault) {
      std::string name = fault.param.injected;
      for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
      return name;
    });

}  // namespace
}  // namespace consort::runtime
