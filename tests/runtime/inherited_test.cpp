// A container must inherit nothing from its caller: limits, niceness, CPU affinity, umask, signals.
#include "base/os/processes/inherited.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "base/os/files/file.hpp"
#include "odd_caller.hpp"
#include "sandbox_fixture.hpp"

namespace consort::runtime {
namespace {

using testing::HasSubstr;

class InheritedTest : public SandboxTest {
 protected:
  std::string look() {
    const Result<Outcome> outcome = sandbox.run_words(
        {"cat", "/proc/self/limits", "/proc/self/oom_score_adj", "/proc/self/personality", "/proc/self/timerslack_ns",
         "--", "status", "SigIgn", "SigBlk", "Umask", "Cpus_allowed", "--", "scheduling"});
    if (!outcome) return outcome.error().message();
    EXPECT_EQ(outcome->code, 0) << outcome->err;
    return outcome->out;
  }
};

TEST_F(InheritedTest, AContainerIsTheSameWhoeverCalls) {
  const std::string plain = look();
  std::string odd;
  {
    const OddCaller caller;
    odd = look();
  }
  EXPECT_EQ(odd, plain);
  EXPECT_THAT(plain, HasSubstr("SigIgn:\t0000000000000000\n"));
  EXPECT_THAT(plain, HasSubstr("Umask:\t0022\n"));
  EXPECT_THAT(plain, HasSubstr("nice=0 policy=0 ioprio=0\n"));
  EXPECT_THAT(plain, testing::ContainsRegex("Max core file size +unlimited +unlimited"));
  EXPECT_THAT(plain, testing::ContainsRegex("Max stack size +8388608 +unlimited"));
}

TEST_F(InheritedTest, TheFileIsObeyed) {
  const OddCaller caller;
  Spec spec = sandbox.spec({"rlimit", std::to_string(RLIMIT_NOFILE), std::to_string(RLIMIT_CORE)});
  spec.process.rlimits = {{RLIMIT_NOFILE, 100, 200}, {RLIMIT_CORE, 0, 0}};
  const Result<Outcome> outcome = sandbox.run(spec);
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_THAT(outcome->out, HasSubstr("100"));
  EXPECT_THAT(outcome->out, HasSubstr("200"));
}

// Root without CAP_SYS_RESOURCE cannot raise a hard limit. The limit is then as high as possible, and the container
// starts.
TEST_F(InheritedTest, AHardLimitThatCannotBeRaisedIsUsedWhole) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_CAPBSET_DROP, 24, 0, 0, 0);  // CAP_SYS_RESOURCE, from the next execve on; enough where it is not there
    const rlimit low{64, 512};
    ::setrlimit(RLIMIT_NOFILE, &low);
    reset_limits();
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    ::_exit(now.rlim_cur == now.rlim_max && now.rlim_max >= 512 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace consort::runtime
