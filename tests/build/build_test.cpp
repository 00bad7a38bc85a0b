// Builds beyond their files: caching, explanations, failures, interrupts and clean-up.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include "base/os/trees/directory.hpp"
#include "base/sha256.hpp"
#include "base/sqlite/database.hpp"
#include "build/cache.hpp"
#include "snapshot.hpp"
#include "support.hpp"

namespace consort::build {
namespace {

using test::World;
using testing::HasSubstr;

class Builds : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    world_ = World::make(why);
    if (!world_) GTEST_SKIP() << why;
  }
  BuildRequest request(const std::string& dockerfile) {
    BuildRequest result;
    result.context = world_->new_directory();
    world_->write(result.context + "/Dockerfile", dockerfile);
    return result;
  }
  std::string files_of(const Result<BuildResult>& built) {
    if (!built) return built.error().message();
    return describe_files(world_->store(), *world_->store().find(built->image_id)).value();
  }
  std::size_t drafts() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(world_->roots().layers()))
      count += entry.path().filename().string().starts_with("draft-");
    return count;
  }
  std::unique_ptr<World> world_;
};

TEST_F(Builds, TakeWhatDidNotChangeFromTheCacheAndSayWhyNot) {
  auto wanted = request("FROM bb:1\nARG V=1\nCOPY a /a\nRUN cat /a > /out; echo $V >> /out\n");
  world_->write(wanted.context + "/a", "one");
  world_->write(wanted.context + "/unrelated", "x");
  const auto first = world_->build(wanted);
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->steps_cached, 0);
  const auto again = world_->build(wanted);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->image_id, first->image_id) << "a build that is wholly cached gives the same image";
  EXPECT_EQ(again->steps_cached, 2);

  auto environment = world_->environment();
  EXPECT_EQ(why_outdated(wanted, environment, first->image_id).value(), std::nullopt);
  world_->write(wanted.context + "/a", "two");
  EXPECT_EQ(why_outdated(wanted, environment, first->image_id).value(), "[2/3] COPY a /a: file a changed");
  const auto changed = world_->build(wanted);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->explanations[0].reason, "file a changed");
  EXPECT_EQ(changed->explanations[1].reason, "what it builds on changed");

  wanted.args["V"] = "2";
  const auto argued = world_->build(wanted);
  ASSERT_TRUE(argued);
  EXPECT_TRUE(argued->explanations[0].cached) << "the argument is not seen by COPY";
  EXPECT_EQ(argued->explanations[1].reason, "variable V changed");
  wanted.cache = CacheUse::ignore;
  EXPECT_EQ(world_->build(wanted)->steps_cached, 0);
}

TEST_F(Builds, ShowTheFailingStep) {
  const auto wanted = request("FROM bb:1\nRUN echo before\nRUN echo to-out; echo to-err >&2; exit 7\n");
  const auto failed = world_->build(wanted);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), HasSubstr("did not complete successfully: exit code: 7"));
  ASSERT_TRUE(failed.error().mark());
  EXPECT_EQ(failed.error().mark()->line, 3U);
  ASSERT_EQ(world_->failures.size(), 1U);
  const std::string shown = render(world_->failures.front());
  EXPECT_THAT(shown, HasSubstr(" > [3/3] RUN echo to-out; echo to-err >&2; exit 7:"));
  EXPECT_THAT(shown, HasSubstr("to-err"));
  EXPECT_THAT(shown, HasSubstr("   3 | >>> RUN echo to-out; echo to-err >&2; exit 7\n"));
  EXPECT_EQ(drafts(), 0U);
}

TEST_F(Builds, StopAndLeaveNothing) {
  const Fd stop(::eventfd(0, EFD_CLOEXEC));
  world_->cancel_fd = stop.get();
  const auto wanted = request("FROM bb:1\nRUN echo begun; while true; do true; done\n");
  const std::jthread canceler([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop.get(), &one, sizeof one), 8);
  });
  const auto stopped = world_->build(wanted);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), Code::interrupted);
  EXPECT_TRUE(world_->failures.empty());
  EXPECT_EQ(drafts(), 0U);
}

TEST_F(Builds, SayThatALinkLeadsOutOfTheContext) {
  const auto wanted = request("FROM bb:1\nCOPY out /x\n");
  ASSERT_EQ(::symlink("/proc/version", (wanted.context + "/out").c_str()), 0);
  const auto failed = world_->build(wanted);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), HasSubstr("\"/out\": not found"));
  EXPECT_THAT(failed.error().hint_text(), HasSubstr("a symlink to /proc/version, which is outside the build context"));
}

pid_t process_of_command(const std::string& command) {
  const std::vector<std::string> names = list_directory("/proc").value();
  for (const std::string& name : names) {
    const auto words = read_file("/proc/" + name + "/cmdline", 4096);
    if (words && *words == command) return std::stoi(name);
  }
  return 0;
}

// A step can pass its output to a process that outlives it, for example through a socket in a cache mount.
TEST_F(Builds, AStepEndsWithItsProcessesWhoeverHoldsItsOutput) {
  using namespace std::string_literals;
  std::promise<void> built;
  std::atomic<bool> held = false, given_up = false;
  const Fd stop(::eventfd(0, EFD_CLOEXEC));
  world_->cancel_fd = stop.get();
  const std::jthread holder([&, over = built.get_future()] {
    constexpr std::chrono::milliseconds pause(10);
    pid_t pid = 0;
    for (int looks = 0; pid == 0 && looks < 6000; ++looks) {
      if (over.wait_for(pause) == std::future_status::ready) return;
      pid = process_of_command("sleep\000654\0"s);
    }
    if (pid == 0) {
      EXPECT_EQ(::eventfd_write(stop.get(), 1), 0);
      return;
    }
    const Fd out(::open(("/proc/" + std::to_string(pid) + "/fd/1").c_str(), O_WRONLY | O_CLOEXEC));
    const Fd err(::open(("/proc/" + std::to_string(pid) + "/fd/2").c_str(), O_WRONLY | O_CLOEXEC));
    held = out && err;
    ::kill(pid, SIGKILL);
    given_up = over.wait_for(std::chrono::seconds(20)) != std::future_status::ready;
  });
  const auto done = world_->build(request("FROM bb:1\nRUN echo before; sleep 654; echo after; echo end >&2\n"));
  built.set_value();
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_TRUE(held);
  EXPECT_FALSE(given_up) << "the build has waited for who holds the output of its step";
  for (const char* said : {"before\n", "after\n", "end\n"}) EXPECT_THAT(world_->output, HasSubstr(said));
}

TEST_F(Builds, SecretsAreSeenByTheStepAndNotKept) {
  auto wanted = request(
      "FROM bb:1\nRUN --mount=type=secret,id=s cat /run/secrets/s > /dev/stderr; test -s /run/secrets/s\n"
      "RUN --mount=type=secret,id=s,env=PASS test \"$PASS\" = hush\n");
  world_->write(world_->directory() + "/secret", "hush");
  wanted.secrets.push_back({"s", world_->directory() + "/secret"});
  const auto built = world_->build(wanted);
  ASSERT_TRUE(built) << built.error().message() << world_->output;
  EXPECT_EQ(world_->output.substr(0, 4), "hush");
  EXPECT_THAT(files_of(built), testing::Not(HasSubstr("secrets")));
}

TEST_F(Builds, ProxiesOfBothSpellingsAreThere) {
  BuildRequest wanted = request("FROM bb:1\nRUN echo \"$HTTP_PROXY $http_proxy $NO_PROXY $FTP_PROXY $ftp_proxy\"\n");
  wanted.args = {{"http_proxy", "a"}, {"Http_Proxy", "b"}, {"No_Proxy", "c"}, {"FTP_PROXY", "d"}, {"ftp_proxy", "e"}};
  ASSERT_TRUE(world_->build(wanted));
  EXPECT_THAT(world_->output, HasSubstr("a a c d e\n"));
}

// Steps that are in use stay cached, however old they are.
TEST_F(Builds, WhatIsNotUsedForLongIsForgotten) {
  const BuildRequest wanted = request("FROM bb:1\nRUN echo 1 > /a\nRUN echo 2 > /b\n");
  ASSERT_TRUE(world_->build(wanted));
  const SystemTime built = system_now();
  const auto cached = [&] { return world_->build(wanted).value().steps_cached; };
  ASSERT_TRUE(forget_cache(world_->store(), {.unused_since = built - std::chrono::hours(1)}));
  EXPECT_EQ(cached(), 2);
  const auto age = [](SQLite::Database& db) { db.exec("UPDATE build_steps SET used = used - 3600000000000"); };
  ASSERT_TRUE(world_->store().database().query("age", age));
  EXPECT_EQ(cached(), 2);
  ASSERT_TRUE(forget_cache(world_->store(), {.unused_since = built}));
  EXPECT_EQ(cached(), 2);
  ASSERT_TRUE(world_->store().database().query("age", age));
  ASSERT_TRUE(forget_cache(world_->store(), {.unused_since = built}));
  EXPECT_EQ(cached(), 0);
}

TEST_F(Builds, CacheMountsStay) {
  const auto wanted = request("FROM bb:1\nRUN --mount=type=cache,target=/c echo x >> /c/f && cat /c/f > /out\n");
  ASSERT_TRUE(world_->build(wanted));
  auto again = wanted;
  again.cache = CacheUse::ignore;
  EXPECT_THAT(files_of(world_->build(again)), HasSubstr("/out 4 "));
}

TEST_F(Builds, CopyWithParents) {
  const auto wanted =
      request("FROM scratch\nCOPY --parents d/sub/g e /p/\nCOPY --parents ./d/./sub /q/\nCOPY --parents **/h /r/\n");
  for (const char* name : {"/d/sub/g", "/d/sub/h", "/d/x", "/e"}) world_->write(wanted.context + name, "x");
  const std::string files = files_of(world_->build(wanted));
  for (const char* name : {" /p/d/sub/g ", " /p/e ", " /q/sub/g ", " /q/sub/h ", " /r/d/sub/h "})
    EXPECT_THAT(files, HasSubstr(name));
  for (const char* name : {"/p/d/x", "/q/x", "/r/d/sub/g", "/r/e"}) EXPECT_THAT(files, testing::Not(HasSubstr(name)));
}

TEST_F(Builds, UnpackXz) {
  const auto wanted = request("FROM bb:1\nADD t.tar.xz /x/\n");
  const auto made =
      test::run_script(test::data_file("make-archive"), {"KIND=txz", "OUT=" + wanted.context + "/t.tar.xz"});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_THAT(files_of(world_->build(wanted)), HasSubstr("f 4711 11:12 /x/dir/f"));
}

TEST_F(Builds, NamedContexts) {
  auto wanted = request("FROM base\nCOPY --from=other f /f\n");
  const std::string other = world_->new_directory();
  world_->write(other + "/f", "from elsewhere");
  wanted.additional_contexts = {{"base", "docker-image://bb:1"}, {"other", other}};
  EXPECT_THAT(files_of(world_->build(wanted)), HasSubstr("/f 14 "));
}

// The directory's own ignore file applies, and its files belong to root, like those of any context.
TEST_F(Builds, BeginWithADirectory) {
  auto wanted = request("FROM rootfs\nCOPY a /a\nRUN [\"/bin/busybox\", \"cp\", \"/etc/x\", \"/y\"]\n");
  world_->write(wanted.context + "/a", "a");
  const std::string root = world_->new_directory();
  world_->write(root + "/etc/x", "from a folder");
  world_->write(root + "/left/out", "never");
  world_->write(root + "/.dockerignore", "left\n.dockerignore\n");
  std::filesystem::create_directories(root + "/bin");
  std::filesystem::copy_file("/bin/busybox", root + "/bin/busybox");
  ASSERT_EQ(::chown((root + "/etc/x").c_str(), 12, 34), 0);
  wanted.additional_contexts = {{"rootfs", root}};
  const auto built = world_->build(wanted);
  const std::string files = files_of(built);
  EXPECT_THAT(files, HasSubstr("f 0644 0:0 /etc/x 13 "));
  EXPECT_THAT(files, HasSubstr(" /y 13 "));
  EXPECT_THAT(files, HasSubstr(" /a 1 "));
  EXPECT_THAT(files, testing::Not(HasSubstr("left")));
  EXPECT_EQ(world_->build(wanted)->steps_cached, 2);
  world_->write(root + "/etc/x", "changed");
  EXPECT_EQ(world_->build(wanted)->steps_cached, 0);
}

TEST_F(Builds, RunAgainWhenTheSurroundingsChange) {
  auto wanted = request("FROM bb:1\nRUN cat /etc/hosts > /o\n");
  ASSERT_TRUE(world_->build(wanted));
  EXPECT_EQ(world_->build(wanted)->steps_cached, 1);
  wanted.extra_hosts = {"db:10.0.0.1"};
  EXPECT_EQ(world_->build(wanted)->steps_cached, 0);
  wanted.args["BUILDKIT_SANDBOX_HOSTNAME"] = "other";
  EXPECT_EQ(world_->build(wanted)->steps_cached, 0);
  wanted.shm_size_bytes = 1 << 20;
  EXPECT_EQ(world_->build(wanted)->steps_cached, 0);
  wanted.ulimits = {{"nofile", 100, 100}};
  EXPECT_EQ(world_->build(wanted)->steps_cached, 0);
  const auto last = world_->build(wanted);
  EXPECT_EQ(last->steps_cached, 1);
  EXPECT_THAT(files_of(last), testing::Not(HasSubstr(" /dev\n"))) << "a place to mount a /dev/shm of one's own on";
}

TEST_F(Builds, SocketsOfAContextAreEmptyFiles) {
  const auto wanted = request("FROM bb:1\nCOPY d /d\n");
  ASSERT_TRUE(make_directories(wanted.context + "/d"));
  ASSERT_EQ(::mknod((wanted.context + "/d/s").c_str(), S_IFSOCK | 0755, 0), 0);
  EXPECT_THAT(files_of(world_->build(wanted)), HasSubstr("f 0755 0:0 /d/s 0 "));
}

TEST_F(Builds, AMountedContextBelongsToRoot) {
  const auto wanted = request("FROM bb:1\nRUN --mount=target=/m busybox stat -c '%u:%g %a' /m/a > /o\n");
  world_->write(wanted.context + "/a", "x");
  ASSERT_EQ(::chown((wanted.context + "/a").c_str(), 1000, 50), 0);
  ASSERT_EQ(::chmod((wanted.context + "/a").c_str(), 0640), 0);
  const auto built = world_->build(wanted);
  ASSERT_TRUE(built) << built.error().message();
  EXPECT_THAT(files_of(built), HasSubstr("/o 8 " + sha256_hex("0:0 640\n").substr(0, 16)));
}

TEST_F(Builds, RefuseWhatThisMachineCannotRun) {
  auto wanted = request("FROM scratch\nRUN [\"/x\"]\n");
  wanted.platforms = {"linux/s390x"};
  const auto failed = world_->build(wanted);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), HasSubstr("linux/s390x"));
  EXPECT_THAT(failed.error().hint_text(), HasSubstr("binfmt"));
}

TEST_F(Builds, RunAStepOnceForAllWhoNeedIt) {
  const auto wanted = request("FROM bb:1\nRUN --mount=type=cache,target=/c echo x >> /c/once && cat /c/once > /out\n");
  std::vector<std::jthread> builders;
  std::array<std::string, 3> files;
  for (auto& out : files) {
    builders.emplace_back([&] {
      auto own = wanted;
      auto environment = world_->environment();
      environment.progress = {};
      const auto built = build::build(own, environment);
      out = files_of(built);
    });
  }
  builders.clear();
  for (const auto& each : files) EXPECT_THAT(each, HasSubstr(" /out 2 "));
}

TEST_F(Builds, TakeACopyFromTheCacheHoweverItsSourceIsSpelled) {
  BuildRequest request;
  request.context = world_->new_directory();
  world_->write(request.context + "/d/f", "f");
  request.dockerfile_inline = "FROM bb:1\nCOPY d /x\nCOPY . /y\n";
  const auto first = world_->build(request);
  ASSERT_TRUE(first) << first.error().message();
  request.dockerfile_inline = "FROM bb:1\nCOPY ./d/ /x\nCOPY ./ /y\n";
  const auto second = world_->build(request);
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(second->steps_cached, 2) << world_->output;
}

TEST_F(Builds, CheckOnlyWarnsWithPlaces) {
  auto wanted = request("FROM bb:1 as Base\nENV API_KEY=x\nWORKDIR rel\nCMD echo $NOPE\nRUN echo\nLABEL a=$NOPE\n");
  wanted.goal = Goal::check_only;
  const auto checked = world_->build(wanted);
  ASSERT_TRUE(checked) << checked.error().message();
  std::vector<std::string> seen;
  for (const auto& warning : checked->warnings) seen.push_back(warning.rule + ":" + std::to_string(warning.at.line));
  EXPECT_THAT(seen, testing::UnorderedElementsAre("StageNameCasing:1", "FromAsCasing:1", "SecretsUsedInArgOrEnv:2",
                                                  "WorkdirRelativePath:3", "JSONArgsRecommended:4", "UndefinedVar:6"));
  EXPECT_TRUE(checked->image_id.empty());
}

}  // namespace
}  // namespace consort::build
