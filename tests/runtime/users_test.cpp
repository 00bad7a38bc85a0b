// Root's containers with their own user ids: base/os/processes/container_users.hpp.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <functional>

#include "base/os/files/file.hpp"
#include "base/os/processes/container_users.hpp"
#include "base/strings.hpp"
#include "runtime/exec.hpp"
#include "runtime/overlay.hpp"
#include "sandbox_fixture.hpp"

namespace consort::runtime {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class UsersTest : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (IsSkipped()) return;
    const Result<Fd> mount = mount_detached(mapped().overlay.value(), sandbox.directory());
    if (!mount) GTEST_SKIP() << "layers cannot be mapped here: " << mount.error().message();
  }

  LaunchOptions mapped() const {
    LaunchOptions options = sandbox.options();
    options.overlay->owners = OverlayRoot::Owners::of_container;
    options.bundle = sandbox.directory() + "/closed/bundle";  // as inaccessible to others as the data root
    std::filesystem::create_directories(options.bundle);
    std::filesystem::permissions(sandbox.directory() + "/closed", std::filesystem::perms::owner_all);
    return options;
  }
  Spec spec(std::vector<std::string> words) const {
    Spec spec = sandbox.spec(std::move(words));
    spec.linux_.namespaces.push_back({NamespaceKind::user, ""});
    spec.linux_.uid_mappings = spec.linux_.gid_mappings = {{0, first_container_id, container_ids}};
    return spec;
  }
  Running must_start(const Spec& spec) {
    Result<Running> running = Running::start(sandbox, spec, mapped());
    if (!running) throw std::runtime_error(running.error().message());
    return std::move(*running);
  }
  std::string out_of(const Spec& spec, const LaunchOptions& options) {
    const Result<Outcome> outcome = sandbox.run(spec, options);
    return outcome ? outcome->out + outcome->err : outcome.error().message();
  }
  static struct stat look(const std::string& path) {
    struct stat st {};
    EXPECT_EQ(::lstat(path.c_str(), &st), 0) << path;
    return st;
  }
};

TEST_F(UsersTest, FilesKeepOnTheDiskTheOwnersThatTheContainerSees) {
  ASSERT_EQ(::chown((sandbox.lower() + "/etc/passwd").c_str(), 5, 6), 0);
  Spec writer = spec({"write", "/made", "text"});
  writer.process.user.uid = 1000;
  std::filesystem::permissions(sandbox.upper(), std::filesystem::perms::all);
  EXPECT_EQ(out_of(writer, mapped()), "");
  EXPECT_EQ(look(sandbox.upper() + "/made").st_uid, 1000U);
  // Files of a layer have the same owners inside, and copying them up does not change that.
  EXPECT_EQ(out_of(spec({"append", "/etc/passwd", "x"}), mapped()), "");
  EXPECT_EQ(look(sandbox.upper() + "/etc/passwd").st_uid, 5U);
  EXPECT_EQ(look(sandbox.upper() + "/etc/passwd").st_gid, 6U);
}

TEST_F(UsersTest, BoundFilesKeepTheirOwners) {
  const std::string directory = sandbox.directory() + "/bound";
  std::filesystem::create_directory(directory);
  ASSERT_EQ(::chown(directory.c_str(), 7, 7), 0);
  Spec writer = spec({"write", "/bound/made", "text"});
  writer.mounts.push_back({"/bound", "bind", directory, {"rbind", "rprivate"}});
  EXPECT_EQ(out_of(writer, mapped()), "");
  EXPECT_EQ(look(directory + "/made").st_uid, 0U);
  EXPECT_EQ(look(directory).st_uid, 7U);
}

// Holds even without another protection.
TEST_F(UsersTest, RootInsideIsNobodyOutside) {
  const auto attempt = [this](std::vector<std::string> words, const std::function<void(Spec&)>& weaken) {
    words.insert(words.begin(), "escape");
    Spec weak = spec(words);
    weaken(weak);
    return out_of(weak, mapped());
  };
  const auto with = [](const char* capability) {
    return [capability](Spec& weak) {
      const std::uint64_t bit = std::uint64_t{1} << capability_number(capability).value();
      Capabilities& sets = weak.process.capabilities.value();
      for (std::uint64_t* set : {&sets.bounding, &sets.effective, &sets.permitted}) *set |= bit;
    };
  };
  EXPECT_THAT(
      attempt({"write", "/proc/sys/kernel/core_pattern"}, [](Spec& weak) { weak.linux_.readonly_paths.clear(); }),
      StartsWith("held: "));
  EXPECT_THAT(attempt({"write", "/sys/kernel/rcu_expedited"},
                      [](Spec& weak) {
                        for (Mount& mount : weak.mounts) std::erase(mount.options, "ro");
                      }),
              StartsWith("held: "));
  EXPECT_THAT(attempt({"bpf"}, with("SYS_ADMIN")), StartsWith("held: "));
  EXPECT_THAT(attempt({"kernel-log"}, with("SYSLOG")), StartsWith("held: "));
  const Running running = must_start(spec({"pause"}));
  EXPECT_EQ(root_of_process(running.pid()).value_or(0), first_container_id);
  EXPECT_THAT(read_file("/proc/" + std::to_string(running.pid()) + "/status").value(),
              HasSubstr("Uid:\t" + std::to_string(first_container_id)));
}

TEST_F(UsersTest, ANetworkMadeBeforeIsItsOwn) {
  NamespacesOfNobody made =
      make_user_namespace(container_id_map(), container_id_map(), WithNetwork::yes).value_or(NamespacesOfNobody{});
  ASSERT_TRUE(made.network);
  LaunchOptions options = mapped();
  options.netns_fd = made.network.get();
  // Only the owner of the network namespace can mount its /sys.
  EXPECT_EQ(out_of(spec({"ls", "/sys/class/net"}), options), "lo\n");
  const Result<Fd> second = make_network_namespace_of(made.users.get());
  ASSERT_TRUE(second) << second.error().message();
  const Result<Fd> owner = owner_of_namespace(second->get());
  ASSERT_TRUE(owner);
  struct stat one {
  }, other{};
  EXPECT_TRUE(::fstat(owner->get(), &one) == 0 && ::fstat(made.users.get(), &other) == 0 && one.st_ino == other.st_ino);
}

TEST_F(UsersTest, DevicesBelongToItsRoot) {
  Spec looks = spec({"stat", "/dev/null", "/dev/own/fuse"});
  looks.linux_.devices.push_back(
      {.path = "/dev/own/fuse", .major = 10, .minor = 229, .mode = 0640, .uid = 3, .gid = 4});
  const std::string text = out_of(looks, mapped());
  EXPECT_THAT(text, HasSubstr("/dev/null"));
  EXPECT_THAT(text, HasSubstr("3:4"));
}

TEST_F(UsersTest, ASecondProcessIsOneOfItsUsers) {
  const Running running = must_start(spec({"pause"}));
  Pipe out = make_pipe().value();
  ExecOptions options{.pid = running.pid(), .pidfd = running.pidfd(), .cgroup_path = running.cgroup_path()};
  options.stdio.out = out.write.get();
  Process process = spec({"open", "/proc/self/fd/1"}).process;
  process.user.uid = process.user.gid = 1000;
  // The pipe belongs to the container's user, too: a program that has dropped privileges may reopen it.
  Result<Launch> launch = begin_exec(process, options);
  ASSERT_TRUE(launch) << launch.error().message();
  ASSERT_TRUE(launch->wait_for(Launch::State::ready));
  struct stat st {};
  ASSERT_EQ(::fstat(out.read.get(), &st), 0);
  EXPECT_EQ(st.st_uid, first_container_id + 1000);
  ASSERT_TRUE(launch->start());
  ASSERT_TRUE(launch->wait_for(Launch::State::started));
  ChildGuard child(launch->pid());
  EXPECT_EQ(child.wait().value().code, 0);
}

}  // namespace
}  // namespace consort::runtime
