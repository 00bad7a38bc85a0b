// Uses a fake firewalld: its table, a process with its name, and a firewall-cmd that is slow, hangs or refuses.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "host_fixture.hpp"
#include "network/firewall.hpp"
#include "network/firewall_guard.hpp"
#include "network/nft/host_programs.hpp"
#include "network/nft/shared_runs.hpp"

namespace consort::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

class ForeignProgramsTest : public HostTest {
 protected:
  void SetUp() override {
    HostTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    std::string name = "/tmp/consort-firewalld-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    programs_.directories.insert(programs_.directories.begin(), directory_);
    programs_.patience = std::chrono::minutes(2);  // unless a test says otherwise
    // Refuses br-bad: for several interfaces with just a message, like the real one. Waits at the gate, if there is
    // one.
    write_program(directory_ + "/firewall-cmd",
                  "echo \"$@\" >>" + directory_ + "/asked; env >" + directory_ + "/environment\n" + "if [ -p " +
                      directory_ + "/gate ]; then read -r line <" + directory_ + "/gate; fi\n" +
                      "for word; do case $word in\n"
                      "--add-interface=br-bad) echo 'Error: br-bad is refused' >&2; [ $# -gt 2 ] || exit 13;;\n"
                      "--add-interface=*) nft add rule inet firewalld filter_FORWARD iifname \"${word#*=}\" accept;;\n"
                      "esac; done\n");
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
    HostTest::TearDown();
  }

  static void write_program(const std::string& path, const std::string& text) {
    ASSERT_TRUE(write_file_atomic(path, "#!/bin/sh\n" + text, 0755));
  }
  void start_firewalld() {
    load_rules();
    life_ = make_pipe().value();
    daemon_ = spawn({.argv = {"sh", "-c", "read -r line", directory_ + "/firewalld"}, .in = life_.read.get()}).value();
    // Its command line is readable a moment after its start.
    const std::string line = "/proc/" + std::to_string(daemon_.pid()) + "/cmdline";
    while (!read_file(line).value_or("").contains("/firewalld"))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  static void load_rules() { shell("nft add table inet firewalld && nft add chain inet firewalld filter_FORWARD"); }
  void hang() const { ASSERT_EQ(::mkfifo((directory_ + "/gate").c_str(), 0600), 0); }
  void go_on() const {
    const Fd gate = open_file(directory_ + "/gate", O_WRONLY).value();
    ASSERT_TRUE(write_full(gate.get(), "go\n"));
  }
  // What firewall-cmd was called with, one line per run.
  std::string asked() const { return read_file(directory_ + "/asked").value_or(""); }
  Result<> open_for(const std::vector<std::string>& bridges) {
    Firewall firewall = TRY(Firewall::open(programs_));
    return firewall.open_by_programs(bridges);
  }

  std::string directory_;
  HostPrograms programs_;
  Pipe life_;
  ChildGuard daemon_;
};

TEST_F(ForeignProgramsTest, NothingIsRunWithoutFirewalld) {
  REQUIRE_OK(open_for({"br-one"}));
  Firewall firewall = Firewall::open(programs_).value();
  EXPECT_FALSE(firewall.wants_programs(std::vector<std::string>{"br-one"}).value());
  REQUIRE_OK(firewall.remove_bridges(std::vector<std::string>{"br-one"}));
  EXPECT_EQ(asked(), "");
}

TEST_F(ForeignProgramsTest, NothingIsRunWhereFirewalldHasEndedAndLeftItsRules) {
  if (shell("cat /proc/[0-9]*/comm").contains("firewalld\n")) GTEST_SKIP() << "this machine runs firewalld";
  load_rules();
  REQUIRE_OK(open_for({"br-one"}));
  EXPECT_EQ(asked(), "");
}

TEST_F(ForeignProgramsTest, OneRunIsForAllBridgesThatAreInNoZone) {
  start_firewalld();
  shell("nft add rule inet firewalld filter_FORWARD iifname br-old accept");
  REQUIRE_OK(open_for({"br-one", "br-old", "br-two"}));
  EXPECT_EQ(asked(), "--zone=trusted --add-interface=br-one --add-interface=br-two\n");
  REQUIRE_OK(open_for({"br-one", "br-two"}));
  Firewall firewall = Firewall::open(programs_).value();
  REQUIRE_OK(firewall.remove_bridges(std::vector<std::string>{"br-one", "br-none", "br-two"}));
  EXPECT_EQ(asked(),
            "--zone=trusted --add-interface=br-one --add-interface=br-two\n"
            "--zone=trusted --remove-interface=br-one --remove-interface=br-two\n");
}

TEST_F(ForeignProgramsTest, OneThatIsRefusedAmongOthersIsNamed) {
  start_firewalld();
  const Result<> refused = open_for({"br-one", "br-bad"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "let bridge br-bad pass firewalld: Error: br-bad is refused");
  EXPECT_THAT(shell("nft list chain inet firewalld filter_FORWARD"), HasSubstr("br-one"));
}

TEST_F(ForeignProgramsTest, OneThatHangsIsKilledInTime) {
  start_firewalld();
  hang();
  programs_.patience = milliseconds(200);
  const Result<> opened = open_for({"br-one", "br-two"});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message(), HasSubstr("run firewall-cmd: no answer within 200 milliseconds"));
}

TEST_F(ForeignProgramsTest, NeitherThePathNorTheEnvironmentOfTheCallerReachesIt) {
  start_firewalld();
  const std::string theirs = directory_ + "/theirs";
  ASSERT_TRUE(make_directories(theirs, 0755));
  write_program(theirs + "/firewall-cmd", "touch " + theirs + "/was-run\n");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (theirs + ":" + path).c_str(), 1);
  ::setenv("PYTHONPATH", theirs.c_str(), 1);
  const Result<> opened = open_for({"br-one"});
  ::setenv("PATH", path.c_str(), 1);
  ::unsetenv("PYTHONPATH");
  REQUIRE_OK(opened);
  EXPECT_FALSE(path_exists(theirs + "/was-run"));
  EXPECT_THAT(read_file(directory_ + "/environment").value(), Not(HasSubstr(theirs)));
  for (const std::string& directory : HostPrograms().directories) EXPECT_TRUE(directory.starts_with('/'));
}

TEST_F(ForeignProgramsTest, AGuardGoesOnWhileItHangsAndRunsOneAtATime) {
  EventLoop loop = EventLoop::create().value();
  std::string log;
  FirewallGuard guard(
      loop, [] { return Result<>(); }, [&log](const std::string& line) { log += line + "\n"; }, programs_);
  Firewall firewall = Firewall::open().value();
  REQUIRE_OK(firewall.add_bridge({.bridge = "br-one"}));
  REQUIRE_OK(guard.keep({{.bridge = "br-one"}}));
  hang();
  start_firewalld();
  while (asked().empty()) REQUIRE_OK(loop.run_once(milliseconds(20)));
  // The rules keep changing; it checks again, and wants the same result.
  for (int round = 0; round < 3; ++round) {
    shell("nft add chain inet firewalld other" + std::to_string(round));
    bool later = false;
    loop.after(milliseconds(250), [&later] { later = true; });
    while (!later) REQUIRE_OK(loop.run_once());
    EXPECT_EQ(asked(), "--zone=trusted --add-interface=br-one\n");
  }
  go_on();
  while (!shell("nft list chain inet firewalld filter_FORWARD").contains("br-one"))
    REQUIRE_OK(loop.run_once(milliseconds(20)));
  bool later = false;
  loop.after(milliseconds(250), [&later] { later = true; });
  while (!later) REQUIRE_OK(loop.run_once());
  // The requests in the meantime were merged into one run, which found everything in place.
  EXPECT_EQ(asked(), "--zone=trusted --add-interface=br-one\n");
  EXPECT_EQ(log, "");
}

TEST_F(ForeignProgramsTest, AGuardReportsOneThatHangsAndReapsIt) {
  EventLoop loop = EventLoop::create().value();
  programs_.patience = milliseconds(200);
  std::string log;
  FirewallGuard guard(
      loop, [] { return Result<>(); }, [&log](const std::string& line) { log += line + "\n"; }, programs_);
  Firewall firewall = Firewall::open().value();
  REQUIRE_OK(firewall.add_bridge({.bridge = "br-one"}));
  REQUIRE_OK(guard.keep({{.bridge = "br-one"}}));
  hang();
  start_firewalld();
  while (log.empty()) REQUIRE_OK(loop.run_once(milliseconds(20)));
  EXPECT_THAT(log, HasSubstr("let bridge br-one pass firewalld: run firewall-cmd: no answer within 200 milliseconds"));
  daemon_ = ChildGuard();
  EXPECT_LE(::waitpid(-1, nullptr, WNOHANG), 0);  // no child is left to be reaped
}

TEST(SharedRunsTest, EachNameIsDoneOnceAndOneRunGoesOnAtATime) {
  SharedRuns runs;
  std::atomic<int> under_way = 0, done = 0, overlapping = 0, failed = 0;
  const auto run = [&](const std::vector<std::string>& names) {
    if (++under_way > 1) ++overlapping;
    done += static_cast<int>(names.size());
    std::this_thread::yield();
    --under_way;
    SharedRuns::Failures failures;
    for (const std::string& name : names)
      if (name == "br-3") failures[name] = "refused";
    return failures;
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, name = "br-" + std::to_string(i)] {
      const SharedRuns::Failures failures = runs.join(std::vector<std::string>{name}, run);
      if (!failures.empty() && name == "br-3" && failures.at(name) == "refused") ++failed;
      if (!failures.empty() && name != "br-3") failed += 100;
    });
  threads.clear();
  EXPECT_EQ(done, 8);
  EXPECT_EQ(overlapping, 0);
  EXPECT_EQ(failed, 1);
}

}  // namespace
}  // namespace consort::test
