// Mounts, namespaces and limits of real containers, checked from inside.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "fixture.hpp"

namespace consort::engine {

using testing::HasSubstr;
using testing::Not;

TEST_F(EngineTest, MountsOfEveryKind) {
  const std::string host = roots().data + "/bind";
  ContainerSpec spec = probe({"cat", "/b/file", "--", "cat", "/cfg", "--", "stat", "/cfg", "--", "stat", "/t", "--",
                              "cat", "/img/data/sub/file", "--", "mounts"});
  ASSERT_TRUE(make_directories(host, 0755));
  ASSERT_TRUE(write_file_atomic(host + "/file", "bound\n"));
  spec.mounts = {{.type = MountType::bind, .source = host, .target = "/b", .read_only = true},
                 {.type = MountType::tmpfs, .source = {}, .target = "/t", .tmpfs_size = 1 << 20, .tmpfs_mode = 0700},
                 {.type = MountType::image, .source = image_name, .target = "/img", .read_only = true}};
  spec.files = {{.path = "/cfg", .content = "from the config\n", .mode = 0440, .uid = 5, .gid = 6}};
  const std::string text = run(spec);
  EXPECT_THAT(text, HasSubstr("bound\n"));
  EXPECT_THAT(text, HasSubstr("from the config\n"));
  EXPECT_THAT(text, HasSubstr("from the image\n"));
}

TEST_F(EngineTest, AMissingBindSourceIsMadeOnlyOnRequest) {
  ContainerSpec spec = probe({"true"});
  const std::string host = roots().data + "/made/by/engine";
  spec.mounts = {{.type = MountType::bind, .source = host, .target = "/b"}};
  EXPECT_EQ(message_of(engine().create_container(spec)),
            "invalid mount config for type \"bind\": bind source path does not exist: " + host);
  spec.mounts[0].create_host_path = true;
  EXPECT_EQ(run(spec), "");
  EXPECT_EQ(stat_path(host)->st_mode & 07777, 0755U);
}

TEST_F(EngineTest, AFileCannotBeMountedOntoADirectory) {
  ContainerSpec spec = probe({"true"});
  const std::string host = roots().data + "/file";
  ASSERT_TRUE(write_file_atomic(host, ""));
  spec.mounts = {{.type = MountType::bind, .source = host, .target = "/data"}};
  const std::string id = create(spec);
  EXPECT_THAT(
      message_of(engine().start_container(id)),
      HasSubstr("not a directory: Are you trying to mount a directory onto a file (or vice-versa)? Check if the "
                "specified host path exists and is the expected type"));
}

TEST_F(EngineTest, AReadOnlyRootStaysSo) {
  ContainerSpec spec = probe({"write", "/data/new", "x"});
  spec.read_only = true;
  EXPECT_THAT(run(spec, 1), HasSubstr("EROFS"));
  ContainerSpec writable = probe({"write", "/dev/shm/new", "x"});
  writable.read_only = true;
  run(writable);
}

TEST_F(EngineTest, VolumesOfAnotherContainer) {
  ContainerSpec donor = probe({"true"});
  donor.mounts = {{.type = MountType::volume, .source = project_ + "_v", .target = "/data"}};
  create(donor);
  ContainerSpec taker = probe({"write", "/data/new", "x"});
  taker.volumes_from = {donor.name + ":ro"};
  EXPECT_THAT(run(taker, 1), HasSubstr("EROFS"));
}

TEST_F(EngineTest, SharesNetworkAndHostnameOfAnother) {
  const Network network = engine().create_network({.name = project_ + "_n"}).value();
  ContainerSpec donor = probe({"serve", "8080", "pong"});
  donor.network_mode = "";
  donor.hostname = "donor";
  donor.networks = {{.network = network.id}};
  const std::string id = create(donor);
  ContainerSpec guest = probe({"host", "--", "connect", "127.0.0.1", "8080", "--", "cat", "/etc/hosts"});
  guest.network_mode = "container:" + donor.name;
  const std::string early = create(guest);
  EXPECT_THAT(message_of(engine().start_container(early)),
              HasSubstr("cannot join network namespace of a non running container: "));
  ASSERT_EQ(message_of(engine().start_container(id)), "(no error)");
  guest.name += "b";
  const std::string text = run(guest);
  EXPECT_THAT(text, HasSubstr("donor"));
  EXPECT_THAT(text, HasSubstr(engine().inspect(id)->networks[0].ipv4));
}

TEST_F(EngineTest, SharesIpcAndPidsOfAnother) {
  ContainerSpec donor = probe({"write", "/dev/shm/note", "hello", "--", "pause"});
  donor.ipc_mode = "shareable";
  const std::string id = create(donor);
  ASSERT_EQ(message_of(engine().start_container(id)), "(no error)");
  ContainerSpec guest = probe({"cat", "/dev/shm/note", "--", "pids"});
  guest.ipc_mode = "container:" + id;
  guest.pid_mode = "container:" + id;
  for (int i = 0; i < 100 && exec(id, {.argv = {"/bin/probe", "ls", "/dev/shm"}}).empty(); ++i) ::usleep(20'000);
  EXPECT_THAT(run(guest), HasSubstr("hello"));
  ContainerSpec stingy = probe({"pause"});
  const std::string other = create(stingy);
  ASSERT_TRUE(engine().start_container(other));
  ContainerSpec refused = probe({"true"});
  refused.ipc_mode = "container:" + other;
  EXPECT_THAT(message_of(engine().start_container(create(refused))), HasSubstr("non-shareable IPC (hint: use "));
}

TEST_F(EngineTest, CapabilitiesAndPrivileges) {
  EXPECT_THAT(run(probe({"caps"})), HasSubstr("00000000a80425fb"));
  ContainerSpec bare = probe({"caps"});
  bare.cap_drop = {"ALL"};
  bare.cap_add = {"chown"};
  EXPECT_THAT(run(bare), HasSubstr("CapEff:\t0000000000000001"));
  ContainerSpec nobody = probe({"caps"});
  nobody.user = "1000";
  EXPECT_THAT(run(nobody), HasSubstr("CapEff:\t0000000000000000"));
  ContainerSpec all = probe({"caps", "--", "status", "Seccomp"});
  all.privileged = true;
  EXPECT_THAT(run(all), Not(HasSubstr("CapEff:\t00000000a80425fb")));
  EXPECT_THAT(run(probe({"status", "Seccomp"})), HasSubstr("2"));
  ContainerSpec free = probe({"status", "Seccomp"});
  free.security_opt = {"seccomp=unconfined"};
  EXPECT_THAT(run(free), HasSubstr("0"));
}

TEST_F(EngineTest, LimitsReachTheKernel) {
  ContainerSpec spec = probe({"rlimit", "7"});
  spec.ulimits = {{"nofile", 100, 200}};
  spec.resources.memory = 64 << 20;
  spec.resources.pids_limit = 50;
  spec.resources.nano_cpus = 500'000'000;
  EXPECT_THAT(run(spec), HasSubstr("100"));
  ContainerSpec hog = probe({"memhog", "100000000"});
  hog.resources.memory = 16 << 20;
  hog.resources.memory_swap = 16 << 20;
  const std::string id = create(hog);
  ASSERT_TRUE(engine().start_container(id));
  EXPECT_EQ(engine().wait_container(id).value_or(-1), 137);
  EXPECT_TRUE(engine().inspect(id)->state.oom_killed);
}

TEST_F(EngineTest, TheDefaultBridgeHasNoNameServer) {
  ContainerSpec spec = probe({"cat", "/etc/resolv.conf", "--", "cat", "/etc/hosts"});
  spec.network_mode = "";
  spec.extra_hosts = {{"up", "host-gateway"}};
  const std::string text = run(spec);
  EXPECT_THAT(text, Not(HasSubstr("127.0.0.11")));
  EXPECT_THAT(text, HasSubstr("\tup\n"));
}

TEST_F(EngineTest, FilesGoInAndOut) {
  const std::string id = create(probe({"pause"}));
  const auto copy = [&] {
    Pipe pipe = make_pipe().value();
    const Result<> out = engine().copy_out(id, "/data/sub", pipe.write.get());
    EXPECT_EQ(message_of(out), "(no error)");
    pipe.write.reset();
    const Result<> in = engine().copy_in(id, "/tmp", pipe.read.get());
    EXPECT_EQ(message_of(in), "(no error)");
  };
  copy();  // while stopped
  ASSERT_EQ(message_of(engine().start_container(id)), "(no error)");
  EXPECT_EQ(exec(id, {.argv = {"/bin/probe", "cat", "/tmp/sub/file"}}), "from the image\n");
  copy();
  EXPECT_EQ(engine().kind_of_path(id, "/tmp/sub/file").value(), PathKind::other);
  EXPECT_EQ(engine().kind_of_path(id, "/").value(), PathKind::directory);
  EXPECT_EQ(engine().kind_of_path(id, "/nope/at/all").value(), PathKind::missing);
  Pipe pipe = make_pipe().value();
  EXPECT_THAT(message_of(engine().copy_out(id, "/nope", pipe.write.get())),
              HasSubstr("Could not find the file /nope in container"));
}

TEST_F(EngineTest, ProcessesAndStatistics) {
  const std::string id = create(probe({"pause"}));
  EXPECT_THAT(message_of(engine().top(id)), HasSubstr("is not running"));
  ASSERT_TRUE(engine().start_container(id));
  const Result<ProcessTable> table = engine().top(id);
  ASSERT_TRUE(table) << table.error().message();
  ASSERT_EQ(table->rows.size(), 1U);
  EXPECT_EQ(table->rows[0].size(), table->titles.size());
  EXPECT_EQ(table->rows[0].back(), "/bin/probe pause");
  EXPECT_GE(engine().stats(id)->pids, 1U);
}

TEST_F(EngineTest, PauseRenameAndKill) {
  const ContainerSpec spec = probe({"pause"});
  const std::string id = create(spec);
  ASSERT_TRUE(engine().start_container(id));
  ASSERT_EQ(message_of(engine().pause_container(id)), "(no error)");
  EXPECT_THAT(message_of(engine().pause_container(id)), HasSubstr("is already paused"));
  EXPECT_THAT(message_of(engine().exec(id, {.argv = {"/bin/probe", "true"}})), HasSubstr("is paused, unpause"));
  ASSERT_EQ(message_of(engine().unpause_container(id)), "(no error)");
  EXPECT_THAT(message_of(engine().unpause_container(id)), HasSubstr("is not paused"));
  ASSERT_EQ(message_of(engine().rename_container(id, spec.name + "-new")), "(no error)");
  EXPECT_EQ(engine().inspect(spec.name + "-new")->id, id);
  EXPECT_EQ(message_of(engine().inspect(spec.name)), "No such container: " + spec.name);
  ASSERT_EQ(message_of(engine().kill_container(id)), "(no error)");
  EXPECT_EQ(engine().wait_container(id).value_or(-1), 137);
  EXPECT_THAT(message_of(engine().kill_container(id)), HasSubstr("is not running"));
}

TEST_F(EngineTest, WithInitAMissingProgramIsAnExit) {
  ContainerSpec spec = probe({"exit", "5"});
  spec.init = true;
  run(spec, 5);
  ContainerSpec missing = probe({});
  missing.entrypoint = Strings{"/nope"};
  missing.init = true;
  run(missing, 127);
}

}  // namespace consort::engine
