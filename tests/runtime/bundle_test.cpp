// Bundles of other programs, from create to delete, with the probe as their program.
#include "runtime/bundle.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "sandbox_fixture.hpp"

namespace consort::runtime {
namespace {

using testing::HasSubstr;

class BundleTest : public SandboxTest {
 protected:
  BundleRuntime runtime() {
    return {sandbox.directory() + "/state", [this](const std::string& warning) { warnings_ += warning + "\n"; }};
  }

  // The example that `spec` writes, with these words for the probe, and a cgroup for tests.
  Json config(std::vector<std::string> words) const {
    Json json = *parse_json(example_config(false), "example");
    words.insert(words.begin(), "/probe");
    json["process"]["args"] = words;
    json["process"]["terminal"] = false;
    json["root"] = {{"path", "lower"}};
    json["linux"]["cgroupsPath"] = "/consort-test/" + sandbox.id();
    return json;
  }

  void write_config(const Json& json) {
    ASSERT_TRUE(write_file_atomic(sandbox.directory() + "/config.json", dump_json(json)));
  }

  Result<pid_t> create(const Json& json) {
    write_config(json);
    out_ = std::move(*make_pipe());
    CreateOptions options;
    options.id = sandbox.id();
    options.bundle = sandbox.directory();
    options.stdio = {-1, out_.write.get(), out_.write.get()};
    Result<pid_t> pid = runtime().create(options);
    out_.write.reset();
    return pid;
  }

  // Runs the container to its end; returns its output or the error.
  std::string run(const Json& json) {
    const Result<pid_t> pid = create(json);
    if (!pid) return "create: " + pid.error().message();
    if (const Result<> started = runtime().start(sandbox.id()); !started) {
      ::waitpid(*pid, nullptr, 0);
      (void)runtime().remove(sandbox.id(), Removal::forced);
      return "start: " + started.error().message();
    }
    const std::string text = read_all(out_.read.get(), 1 << 20).value_or("?");
    ::waitpid(*pid, nullptr, 0);
    const Result<> removed = runtime().remove(sandbox.id(), Removal::stopped_only);
    return removed ? text : "delete: " + removed.error().message();
  }

  std::string status() {
    const Result<BundleState> state = runtime().state(sandbox.id());
    return state ? std::string(to_string(state->status)) : state.error().message();
  }

  std::string failure(const Result<>& result) { return result ? "success" : result.error().message(); }

  std::string warnings_;
  Pipe out_;
};

void set_namespace(Json& json, const std::string& type, const std::string& path) {
  Json list = Json::array();
  for (const Json& entry : json["linux"]["namespaces"])
    if (get_string(entry, "type") != type) list.push_back(entry);
  if (path != "-") list.push_back(path.empty() ? Json{{"type", type}} : Json{{"type", type}, {"path", path}});
  json["linux"]["namespaces"] = list;
}

std::string own_namespace(const std::string& file) {
  char text[64] = {};
  (void)!::readlink(("/proc/self/ns/" + file).c_str(), text, sizeof text - 1);
  return std::string(text) + "\n";
}

TEST_F(BundleTest, EachOperationIsPossibleInItsStatesOnly) {
  EXPECT_EQ(status(), "container does not exist");
  EXPECT_EQ(failure(runtime().start(sandbox.id())), "container does not exist");
  EXPECT_EQ(failure(runtime().kill(sandbox.id(), SIGTERM, false)), "container does not exist");
  EXPECT_EQ(failure(runtime().remove(sandbox.id(), Removal::stopped_only)), "container does not exist");
  EXPECT_EQ(failure(runtime().remove(sandbox.id(), Removal::forced)), "success");

  const pid_t pid = create(config({"echo", "ran", "--", "pause"})).value();
  EXPECT_EQ(status(), "created");
  EXPECT_EQ(runtime().state(sandbox.id())->pid, pid);
  write_config(config({"echo", "changed"}));  // has no effect any more
  CreateOptions again;
  again.id = sandbox.id();
  again.bundle = sandbox.directory();
  EXPECT_THAT(runtime().create(again).error().message(), HasSubstr("already exists"));
  EXPECT_THAT(failure(runtime().remove(sandbox.id(), Removal::stopped_only)), HasSubstr("not stopped"));
  EXPECT_EQ(status(), "created");

  ASSERT_EQ(failure(runtime().start(sandbox.id())), "success");
  char line[5] = {};
  EXPECT_EQ(::read(out_.read.get(), line, 4), 4);
  EXPECT_STREQ(line, "ran\n");
  EXPECT_EQ(status(), "running");
  EXPECT_EQ(failure(runtime().start(sandbox.id())), "cannot start an already running container");
  EXPECT_THAT(failure(runtime().remove(sandbox.id(), Removal::stopped_only)), HasSubstr("not stopped"));
  EXPECT_EQ(failure(runtime().pause(sandbox.id())), "success");
  EXPECT_EQ(status(), "paused");
  EXPECT_EQ(failure(runtime().resume(sandbox.id())), "success");
  EXPECT_EQ(status(), "running");

  EXPECT_EQ(failure(runtime().kill(sandbox.id(), SIGKILL, false)), "success");
  int wait_status = 0;
  ASSERT_EQ(::waitpid(pid, &wait_status, 0), pid);
  EXPECT_EQ(WTERMSIG(wait_status), SIGKILL);
  EXPECT_EQ(status(), "stopped");
  EXPECT_EQ(failure(runtime().kill(sandbox.id(), SIGTERM, false)), "container not running");
  EXPECT_EQ(failure(runtime().start(sandbox.id())), "cannot start a container that has stopped");
  EXPECT_EQ(failure(runtime().remove(sandbox.id(), Removal::stopped_only)), "success");
  EXPECT_EQ(status(), "container does not exist");
}

TEST_F(BundleTest, ASignalEndsWhoWaitsForItsStart) {
  const pid_t pid = create(config({"pause"})).value();
  EXPECT_EQ(failure(runtime().kill(sandbox.id(), SIGTERM, false)), "success");
  int wait_status = 0;
  ASSERT_EQ(::waitpid(pid, &wait_status, 0), pid);
  EXPECT_EQ(WEXITSTATUS(wait_status), 128 + SIGTERM);
  EXPECT_EQ(failure(runtime().remove(sandbox.id(), Removal::stopped_only)), "success");
}

TEST_F(BundleTest, AMissingProgramIsAnErrorOfCreateThatLeavesNothing) {
  Json json = config({});
  json["process"]["args"] = {"nosuch"};
  EXPECT_EQ(run(json), "create: exec: \"nosuch\": executable file not found in $PATH");
  EXPECT_EQ(status(), "container does not exist");
}

TEST_F(BundleTest, WithoutAProcessACreatedContainerCannotBeStarted) {
  Json json = config({});
  json.erase("process");
  EXPECT_EQ(run(json), "start: cannot start a container: its config.json has no process");
}

// The command is killed after it has created the process, but before it has recorded it.
TEST_F(BundleTest, WhatAKilledCreateHasLeftCanBeDeleted) {
  write_config(config({"pause"}));
  const pid_t command = ::fork();
  if (command == 0) {
    CreateOptions options;
    options.id = sandbox.id();
    options.bundle = sandbox.directory();
    options.stdio = {-1, -1, -1};
    Json json = config({"pause"});
    json["hooks"]["prestart"] = Json::array({{{"path", "/bin/sleep"}, {"args", {"sleep", "1000"}}}});
    (void)write_file_atomic(sandbox.directory() + "/config.json", dump_json(json));
    (void)runtime().create(options);
    ::_exit(0);
  }
  while (status() != "creating" || runtime().state(sandbox.id())->pid == 0) ::usleep(2000);
  ::kill(command, SIGKILL);
  ::waitpid(command, nullptr, 0);
  // The removal also ends the running hook, and the processes that the hook started.
  EXPECT_EQ(failure(runtime().remove(sandbox.id(), Removal::forced)), "success");
  EXPECT_EQ(status(), "container does not exist");
}

TEST_F(BundleTest, HooksAreRunInOrderInTheirNamespacesWithTheState) {
  const std::string log = sandbox.directory() + "/log";
  Json json = config({"cat", "/started"});
  for (const char* const kind : {"prestart", "createRuntime", "createContainer", "poststart", "poststop"}) {
    const std::string script =
        "echo " + std::string(kind) +
        " $(grep -o '\"status\": \"[a-z]*\"' | cut -d'\"' -f4) $(readlink /proc/self/ns/mnt) $HOOK >> " + log;
    json["hooks"][kind] = Json::array({{{"path", "/bin/sh"},
                                        {"args", {"sh", "-c", script}},
                                        {"env", {"HOOK=" + std::string(kind), "PATH=/bin:/usr/bin"}}}});
  }
  json["hooks"]["startContainer"] =
      Json::array({{{"path", "/probe"}, {"args", {"probe", "write", "/started", "inside"}}}});
  EXPECT_THAT(run(json), HasSubstr("inside"));
  const std::vector<std::string> lines = split(read_file(log).value_or(""), '\n');
  ASSERT_EQ(lines.size(), 6u);
  const std::string ours = std::string(trim(own_namespace("mnt")));
  EXPECT_EQ(lines[0], "prestart created " + ours + " prestart");
  EXPECT_EQ(lines[1], "createRuntime creating " + ours + " createRuntime");
  EXPECT_THAT(lines[2], HasSubstr("createContainer creating mnt:"));
  EXPECT_THAT(lines[2], testing::Not(HasSubstr(ours)));
  EXPECT_EQ(lines[3], "poststart running " + ours + " poststart");
  EXPECT_EQ(lines[4], "poststop stopped " + ours + " poststop");
}

TEST_F(BundleTest, AFailingHookEndsCreateAndALaterOneIsAWarning) {
  Json json = config({"echo", "ran"});
  json["hooks"]["createRuntime"] = Json::array({{{"path", "/bin/sh"}, {"args", {"sh", "-c", "echo why >&2; exit 3"}}}});
  EXPECT_EQ(run(json), "create: error running createRuntime hook #0 /bin/sh: exit status 3: why");
  json["hooks"] = {{"prestart", Json::array({{{"path", "/bin/sleep"}, {"args", {"sleep", "1000"}}, {"timeout", 1}}})}};
  EXPECT_EQ(run(json), "create: error running prestart hook #0 /bin/sleep: it ran past its timeout 1s");
  json["hooks"] = {{"poststart", Json::array({{{"path", "/bin/false"}}})},
                   {"poststop", Json::array({{{"path", "/bin/false"}}})}};
  EXPECT_EQ(run(json), "ran\n");
  EXPECT_THAT(warnings_, HasSubstr("poststart hook #0"));
  EXPECT_THAT(warnings_, HasSubstr("poststop hook #0"));
}

TEST_F(BundleTest, NamespacesAreNewInheritedOrJoined) {
  constexpr std::pair<const char*, const char*> kinds[] = {{"pid", "pid"}, {"network", "net"},   {"ipc", "ipc"},
                                                           {"uts", "uts"}, {"cgroup", "cgroup"}, {"mount", "mnt"}};
  for (const auto& [type, file] : kinds) {
    Json json = config({"readlink", "/proc/self/ns/" + std::string(file)});
    json.erase("hostname");
    EXPECT_NE(run(json), own_namespace(file)) << type;
    set_namespace(json, type, "-");
    if (type == std::string("mount")) {
      json["linux"].erase("maskedPaths");
      json["linux"].erase("readonlyPaths");
    }
    EXPECT_EQ(run(json), own_namespace(file)) << type;
    set_namespace(json, type, "/proc/self/ns/" + std::string(file));
    if (type != std::string("mount")) {
      EXPECT_EQ(run(json), own_namespace(file)) << type;
    }
  }
  Json wrong = config({"true"});
  set_namespace(wrong, "network", "/proc/self/ns/ipc");
  EXPECT_THAT(run(wrong), HasSubstr("join namespace"));
}

TEST_F(BundleTest, ATimeNamespaceHasItsOffsets) {
  if (!path_exists("/proc/self/ns/time")) GTEST_SKIP() << "this kernel has no time namespaces";
  Json json = config({"cat", "/proc/self/timens_offsets"});
  set_namespace(json, "time", "");
  json["linux"]["timeOffsets"] = {{"boottime", {{"secs", 864000}}}, {"monotonic", {{"secs", 5}, {"nanosecs", 7}}}};
  const std::string offsets = run(json);
  EXPECT_THAT(offsets, HasSubstr("864000         0"));
  EXPECT_THAT(offsets, HasSubstr("5         7"));
}

// Root in the namespace owns nothing in the root file system, so the mount points must exist.
TEST_F(BundleTest, AUserNamespaceIsMappedOrJoined) {
  for (const char* const directory : {"/proc", "/dev", "/sys"})
    ASSERT_TRUE(make_directories(sandbox.lower() + directory));
  const Json map = Json::array({{{"containerID", 0}, {"hostID", 100000}, {"size", 2000}}});
  Json json = config({"cat", "/proc/self/uid_map", "--", "id"});
  set_namespace(json, "user", "");
  json["linux"]["uidMappings"] = json["linux"]["gidMappings"] = map;
  const std::string mapped = run(json);
  EXPECT_THAT(mapped, HasSubstr("100000       2000"));
  EXPECT_THAT(mapped, HasSubstr("uid=0 gid=0"));

  const pid_t holder = ::fork();
  if (holder == 0) {
    (void)!::unshare(CLONE_NEWUSER);
    while (true) ::pause();
  }
  const std::string proc = "/proc/" + std::to_string(holder);
  while (own_namespace("user") == [&] {
    char text[64] = {};
    (void)!::readlink((proc + "/ns/user").c_str(), text, sizeof text - 1);
    return std::string(text) + "\n";
  }())
    ::usleep(1000);
  for (const char* const file : {"/uid_map", "/gid_map"}) {
    const Fd fd = std::move(*open_file(proc + file, O_WRONLY));
    ASSERT_TRUE(write_full(fd.get(), std::string_view("0 200000 2000")));
  }
  set_namespace(json, "user", proc + "/ns/user");
  json["linux"].erase("uidMappings");
  json["linux"].erase("gidMappings");
  const std::string joined = run(json);
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  EXPECT_THAT(joined, HasSubstr("200000       2000"));
  EXPECT_THAT(joined, HasSubstr("uid=0 gid=0"));
}

TEST_F(BundleTest, TheProcessIsWhatTheConfigSays) {
  Json json = config({"id", "--", "scheduling", "--", "cat", "/proc/self/oom_score_adj", "/proc/self/personality", "--",
                      "rlimit", "7", "--", "env", "HOME", "--", "pwd"});
  json["process"]["user"] = {{"uid", 1000}, {"gid", 50}, {"umask", 077}, {"additionalGids", {5, 7}}};
  json["process"]["oomScoreAdj"] = 321;
  json["process"]["scheduler"] = {{"policy", "SCHED_BATCH"}, {"nice", 4}};
  json["process"]["ioPriority"] = {{"class", "IOPRIO_CLASS_BE"}, {"priority", 6}};
  json["process"]["rlimits"] = Json::array({{{"type", "RLIMIT_NOFILE"}, {"soft", 77}, {"hard", 99}}});
  json["process"]["cwd"] = "/made/here";
  json["linux"]["personality"] = {{"domain", "LINUX32"}};
  const std::string out = run(json);
  EXPECT_THAT(out, HasSubstr("uid=1000 gid=50 groups=5,7,50 umask=0077"));
  EXPECT_THAT(out, HasSubstr("321\n"));
  EXPECT_THAT(out, HasSubstr("00000008\n"));
  EXPECT_THAT(out, HasSubstr("77"));
  EXPECT_THAT(out, HasSubstr("/home/alice\n/made/here\n"));
}

TEST_F(BundleTest, MountsDoWhatTheirOptionsSay) {
  const std::string source = sandbox.directory() + "/volume";
  ASSERT_TRUE(make_directories(source));
  ASSERT_TRUE(write_file_atomic(source + "/file", "x"));
  sandbox.write("/filled/file", "copied\n");
  Json json = config({"mounts", "--", "cat", "/filled/file", "--", "stat", "/mapped/file"});
  json["mounts"].push_back({{"destination", "/bound"},
                            {"type", "bind"},
                            {"source", source},
                            {"options", {"rbind", "rro", "rnoexec", "nosymfollow"}}});
  json["mounts"].push_back(
      {{"destination", "/shared"}, {"type", "tmpfs"}, {"source", "t"}, {"options", {"rshared", "nosuid"}}});
  json["mounts"].push_back(
      {{"destination", "/filled"}, {"type", "tmpfs"}, {"source", "t"}, {"options", {"tmpcopyup", "size=1m"}}});
  const Json map = Json::array({{{"containerID", 0}, {"hostID", 5000}, {"size", 10}}});
  json["mounts"].push_back({{"destination", "/mapped"},
                            {"type", "bind"},
                            {"source", source},
                            {"options", {"bind", "idmap"}},
                            {"uidMappings", map},
                            {"gidMappings", map}});
  const std::string out = run(json);
  EXPECT_THAT(out, HasSubstr(" /bound ro,noexec,relatime,nosymfollow"));
  EXPECT_THAT(out, testing::ContainsRegex(" /shared rw,nosuid,relatime shared:"));
  EXPECT_THAT(out, HasSubstr("copied\n"));
  EXPECT_THAT(out, HasSubstr("/mapped/file f 0644 5000:5000"));
}

TEST_F(BundleTest, AnAgentGetsTheListenerOfItsFilter) {
  const std::string path = sandbox.directory() + "/agent";
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UnixAddress address = std::move(*unix_address(path));
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  Json json = config({"echo", "fine"});
  json["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_ALLOW"},
                              {"listenerPath", path},
                              {"listenerMetadata", "meta"},
                              {"syscalls", Json::array({{{"names", {"swapon"}}, {"action", "SCMP_ACT_NOTIFY"}}})}};
  EXPECT_EQ(run(json), "fine\n");
  const Fd agent(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  char text[4096] = {};
  iovec part{text, sizeof text - 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ASSERT_GT(::recvmsg(agent.get(), &message, MSG_CMSG_CLOEXEC), 0);
  EXPECT_THAT(text, HasSubstr("\"metadata\":\"meta\""));
  EXPECT_THAT(text, HasSubstr("\"seccompFd\""));
  ASSERT_NE(CMSG_FIRSTHDR(&message), nullptr);
  int fd;
  __builtin_memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  ::close(fd);
}

TEST_F(BundleTest, WhatWouldChangeTheHostOrCannotBeIsRefused) {
  const auto refused = [this](const std::function<void(Json&)>& change) {
    Json json = config({"true"});
    change(json);
    return run(json);
  };
  EXPECT_THAT(refused([](Json& c) {
                c["linux"]["sysctl"] = {{"kernel.pid_max", "5"}};
              }),
              HasSubstr("not in a separate kernel namespace"));
  EXPECT_THAT(refused([](Json& c) { set_namespace(c, "uts", "-"); }), HasSubstr("without a uts namespace"));
  EXPECT_THAT(refused([](Json& c) { set_namespace(c, "user", ""); }), HasSubstr("needs uidMappings"));
  EXPECT_THAT(refused([](Json& c) { c["ociVersion"] = "invalid"; }), HasSubstr("is not a version 1"));
  EXPECT_THAT(refused([](Json& c) {
                c["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_NOTIFY"}};
              }),
              HasSubstr("cannot be the default action"));
  EXPECT_THAT(refused([](Json& c) { c["linux"]["maskedPaths"] = {"etc"}; }), HasSubstr("not an absolute path"));
  EXPECT_THAT(refused([](Json& c) { c["linux"]["readonlyPaths"] = {"etc"}; }), HasSubstr("not an absolute path"));
  EXPECT_THAT(refused([](Json& c) {
                c["linux"]["resources"]["hugepageLimits"] = {{{"pageSize", "3MB"}, {"limit", 1}}};
              }),
              HasSubstr("no pages of 3MB"));
  EXPECT_EQ(refused([](Json& c) {
              c["unknown"] = 1;
              c["annotations"] = {{"org.x", ""}};
            }),
            "");
}

TEST_F(BundleTest, AGroupThatWasThereBeforeStays) {
  std::vector<std::string> warnings;
  const std::string path = "/consort-test/" + sandbox.id();
  const Cgroup group = std::move(*Cgroup::create(path, {}, warnings));
  EXPECT_EQ(run(config({"echo", "x"})), "x\n");
  EXPECT_FALSE(Cgroup::open(path).views().empty());
  EXPECT_TRUE(group.remove());
}

// As Docker mounts it, so that an engine can run inside: each hierarchy that the process is in, by name.
TEST_F(BundleTest, AllHierarchiesAreThereForWhoMakesGroups) {
  if (cgroup_version() == CgroupVersion::v2) GTEST_SKIP() << "one hierarchy";
  const std::string seen = "\n" + run(config({"ls", "/sys/fs/cgroup"}));
  for (const std::string& line : split(read_file("/proc/self/mountinfo").value_or(""), '\n'))
    if (line.contains(" - cgroup ")) {
      EXPECT_THAT(seen, HasSubstr("\n" + base_name(split(line, ' ')[4]) + "\n"));
    }
}

TEST_F(BundleTest, ExecHasTheContainersNamespacesAndItsOwnUser) {
  const pid_t pid = create(config({"pause"})).value();
  ASSERT_EQ(failure(runtime().start(sandbox.id())), "success");
  Pipe out = std::move(*make_pipe());
  BundleExec exec;
  exec.id = sandbox.id();
  exec.process = runtime().config(sandbox.id())->process;
  exec.process.args = {"/probe", "id", "--", "host"};
  exec.process.user.uid = 1000;
  exec.stdio = {-1, out.write.get(), out.write.get()};
  const pid_t inside = runtime().exec(exec).value();
  out.write.reset();
  const std::string text = read_all(out.read.get(), 4096).value_or("?");
  EXPECT_THAT(text, HasSubstr("uid=1000 gid=0"));
  EXPECT_THAT(text, HasSubstr("hostname=consort"));
  ::waitpid(inside, nullptr, 0);
  ASSERT_TRUE(runtime().kill(sandbox.id(), SIGKILL, true));
  ::waitpid(pid, nullptr, 0);
  EXPECT_EQ(failure(runtime().remove(sandbox.id(), Removal::stopped_only)), "success");
}

}  // namespace
}  // namespace consort::runtime
