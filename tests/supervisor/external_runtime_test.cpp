// Containers with an external runtime.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "project.hpp"

namespace consort::supervisor {
namespace {

using testing::HasSubstr;

class ExternalRuntimeTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = TestProject::why_not(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

TEST_F(ExternalRuntimeTest, Runs) {
  std::string program;
  // Takes the last one that exists; crun does not work where both cgroup versions are mounted.
  for (const char* name : {"crun", "runc"})
    for (const char* directory : {"/usr/bin/", "/usr/sbin/", "/usr/local/bin/"})
      if (path_exists(std::string(directory) + name)) program = name;
  if (program.empty()) GTEST_SKIP() << "no other OCI runtime is installed";
  TestProject project;
  ContainerUnit unit = project.unit({"echo", "hello", "--", "trap", "15"});
  unit.runtime = program;
  const auto started = project.start(unit);
  ASSERT_TRUE(started) << started.error().message();
  ASSERT_TRUE(eventually([&] { return project.log(unit).size() == 2; }));
  auto exec = project.client().exec(unit.id, {.process = project.process({"exit", "4"})});
  ASSERT_TRUE(exec) << exec.error().message();
  EXPECT_EQ(exec->wait().value(), 4);
  const auto stopped = project.client().stop(unit.id);
  ASSERT_TRUE(stopped) << stopped.error().message();
  EXPECT_EQ(stopped->exit_code, 0);
  const auto again = project.start(unit);
  EXPECT_TRUE(again) << again.error().message();
}

// A runtime that hangs forever when it is called with this word, and fails otherwise. It writes its pid to a file.
std::string hanging_runtime(const TestProject& project, const std::string& word) {
  const std::string path = project.roots().data + "/hangs";
  const std::string text = "#!/bin/sh\nfor each; do\n  case $each in\n    " + word + ") echo $$ > " + path +
                           ".pid; exec sleep 1000 ;;\n    delete) exit 0 ;;\n  esac\ndone\nexit 1\n";
  EXPECT_TRUE(write_file_atomic(path, text, 0755));
  return path;
}

pid_t hanging_process(const std::string& runtime) {
  const auto text = read_file(runtime + ".pid");
  return text ? static_cast<pid_t>(parse_unsigned(trim(*text)).value_or(0)) : 0;
}

TEST_F(ExternalRuntimeTest, OneThatHangsKeepsNobodyElseWaiting) {
  TestProject project;
  ContainerUnit unit = project.unit({"pause"});
  unit.runtime = hanging_runtime(project, "create");
  std::string outcome;
  std::jthread starter([&] {
    const auto started = project.start(unit);
    outcome = started ? "started" : started.error().message();
  });
  EXPECT_TRUE(eventually([&] { return hanging_process(unit.runtime) != 0; }));
  const pid_t hangs = hanging_process(unit.runtime);
  const ContainerUnit other = project.unit({"pause"});
  EXPECT_TRUE(project.start(other));
  EXPECT_TRUE(project.client().stop(unit.id));
  starter.join();
  EXPECT_THAT(outcome, HasSubstr("it was stopped in the meantime"));
  const bool ended = eventually([&] { return has_ended(hangs); });
  EXPECT_TRUE(ended);
  if (!ended) ::kill(hangs, SIGKILL);
  // And the container can be started again.
  hanging_runtime(project, "nothing");
  EXPECT_THAT(project.start(unit).error().message(), HasSubstr("hangs create"));
  EXPECT_TRUE(project.client().stop(other.id, {.timeout = Milliseconds(0), .signal = {}}));
}

}  // namespace
}  // namespace consort::supervisor
