// Real containers: the engine's guarantees, checked from inside by the probe.
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "fixture.hpp"

namespace consort::engine {

using testing::HasSubstr;
using testing::Not;

TEST_F(EngineTest, RunsAndTellsTheExitCode) {
  EXPECT_EQ(run(probe({"echo", "hello"})), "hello\n");
  EXPECT_EQ(run(probe({"exit", "7"}), 7), "");
  const std::vector<Container> all = engine().list({.project = project_, .service = {}, .labels = {}}).value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].state.status, Status::exited);
  EXPECT_EQ(all[1].state.exit_code, 7);
  EXPECT_EQ(all[0].labels.at("of"), "image");
}

TEST_F(EngineTest, GivesTheProcessItsEnvironment) {
  ContainerSpec spec = probe({"env"});
  spec.hostname = "box";
  spec.environment = {"OWN=1", "FROM"};
  const std::string text = run(spec);
  EXPECT_THAT(text, HasSubstr("OWN=1"));
  EXPECT_THAT(text, HasSubstr("HOSTNAME=box"));
  EXPECT_THAT(text, HasSubstr("HOME=/root"));
  EXPECT_THAT(text, Not(HasSubstr("FROM=")));
}

TEST_F(EngineTest, LooksUpTheUserInTheContainer) {
  ContainerSpec spec = probe({"id"});
  spec.user = "alice";
  const std::string text = run(spec);
  EXPECT_THAT(text, HasSubstr("uid=1000"));
  EXPECT_THAT(text, HasSubstr("gid=1001"));
  EXPECT_THAT(text, HasSubstr("1500"));
  ContainerSpec nobody = probe({"id"});
  nobody.user = "nosuch";
  const std::string id = create(nobody);
  EXPECT_THAT(message_of(engine().start_container(id)),
              HasSubstr("unable to find user nosuch: no matching entries in passwd file"));
}

TEST_F(EngineTest, AMissingProgramIsSaidAndCounted) {
  ContainerSpec spec = probe({});
  spec.entrypoint = Strings{"/nope"};
  const std::string id = create(spec);
  int code = 0;
  EXPECT_THAT(message_of(engine().start_container(id, {.exit_code = &code})),
              HasSubstr("exec: \"/nope\": stat /nope: no such file or directory"));
  EXPECT_EQ(code, 127);
  EXPECT_EQ(engine().inspect(id)->state.status, Status::created);
}

TEST_F(EngineTest, FillsVolumesFromTheImageOnce) {
  ContainerSpec spec = probe({"stat", "/data", "/data/sub/file", "/data/link"});
  spec.mounts = {{.type = MountType::volume, .source = project_ + "_data", .target = "/data"}};
  run(spec);
  const std::string directory = engine().inspect_volume(project_ + "_data")->mountpoint;
  const struct stat st = lstat_path(directory).value();
  EXPECT_EQ(st.st_uid, 1000U);
  EXPECT_EQ(st.st_gid, 1001U);
  EXPECT_EQ(st.st_mode & 07777, 0750U);
  EXPECT_EQ(read_file(directory + "/sub/file").value(), "from the image\n");
  EXPECT_FALSE(path_exists(directory + "/hidden"));  // whited out by the upper layer
  EXPECT_EQ(stat_path(directory + "/sub/file")->st_mode & 07777, 0640U);
  ASSERT_TRUE(remove_tree(directory + "/sub"));
  run(spec = [&] {
    ContainerSpec again = spec;
    again.name += "b";
    again.command = Strings{"ls", "/data"};
    return again;
  }());
  EXPECT_FALSE(path_exists(directory + "/sub"));
  EXPECT_THAT(message_of(engine().remove_volume(project_ + "_data")), HasSubstr("volume is in use - ["));
}

TEST_F(EngineTest, AnonymousVolumesGoWithTheirContainer) {
  ContainerSpec spec = probe({"true"});
  spec.mounts = {{.type = MountType::volume, .source = {}, .target = "/data"}};
  const std::string id = create(spec);
  const ContainerDetails details = engine().inspect(id).value();
  ASSERT_EQ(details.mounts.size(), 1U);
  EXPECT_TRUE(details.mounts[0].anonymous);
  EXPECT_TRUE(path_exists(details.mounts[0].source));
  ASSERT_TRUE(engine().remove_container(id, {.force = Force::no, .volumes = AnonymousVolumes::remove}));
  EXPECT_FALSE(path_exists(details.mounts[0].source));
  EXPECT_TRUE(engine().list_volumes()->empty());
}

TEST_F(EngineTest, ANameIsTakenOnlyOnce) {
  const ContainerSpec spec = probe({"true"});
  const std::string id = create(spec);
  EXPECT_EQ(message_of(engine().create_container(spec)),
            "Conflict. The container name \"/" + spec.name + "\" is already in use by container \"" + id +
                "\". You have to remove (or rename) that container to be able to reuse that name.");
  EXPECT_EQ(engine().list()->size(), 1U);
}

TEST_F(EngineTest, StopIsHeardAndRemembered) {
  ContainerSpec spec = probe({"trap", "TERM"});
  spec.restart = {.mode = RestartMode::always, .max_retries = 0};
  const std::string id = create(spec);
  ASSERT_EQ(message_of(engine().start_container(id)), "(no error)");
  EXPECT_EQ(engine().inspect(id)->state.status, Status::running);
  EXPECT_THAT(message_of(engine().remove_container(id)), HasSubstr("container is running: stop the container"));
  ASSERT_EQ(message_of(engine().stop_container(id)), "(no error)");
  EXPECT_EQ(engine().inspect(id)->state.status, Status::exited);
  ASSERT_TRUE(engine().start_container(id));
  EXPECT_EQ(engine().inspect(id)->state.status, Status::running);
}

TEST_F(EngineTest, ExecRunsBesideTheFirstProcess) {
  ContainerSpec spec = probe({"pause"});
  spec.environment = {"A=1"};
  const std::string id = create(spec);
  ASSERT_EQ(message_of(engine().start_container(id)), "(no error)");
  EXPECT_EQ(exec(id, {.argv = {"/bin/probe", "exit", "3"}}, 3), "");
  EXPECT_EQ(exec(id, {.argv = {"/bin/probe", "env", "A"}}), "1\n");
  EXPECT_EQ(exec(id, {.argv = {"/bin/probe", "env", "B"}, .environment = {"B=2"}}), "2\n");
  EXPECT_EQ(exec(id, {.argv = {"/bin/probe", "pwd"}, .environment = {}, .user = {}, .working_dir = "/tmp"}), "/tmp\n");
  EXPECT_THAT(exec(id, {.argv = {"/bin/probe", "id"}, .environment = {}, .user = "alice"}), HasSubstr("uid=1000"));
  int code = 0;
  const auto missing = engine().exec(id, {.argv = {"nothere"}}, &code);
  EXPECT_THAT(message_of(missing), HasSubstr("exec: \"nothere\": executable file not found in $PATH"));
  EXPECT_EQ(code, 127);
}

TEST_F(EngineTest, NetworksGiveAddressesAndNames) {
  const Network network = engine().create_network({.name = project_ + "_default", .project = project_}).value();
  ASSERT_EQ(network.spec.pools.size(), 1U);
  ContainerSpec server = probe({"serve", "8080", "pong"});
  server.network_mode = "";
  server.networks = {{.network = network.spec.name, .aliases = {"server"}}};
  const std::string id = create(server);
  ASSERT_EQ(message_of(engine().start_container(id)), "(no error)");
  const ContainerDetails details = engine().inspect(id).value();
  ASSERT_EQ(details.networks.size(), 1U);
  EXPECT_FALSE(details.networks[0].ipv4.empty());
  EXPECT_THAT(exec(id, {.argv = {"/bin/probe", "cat", "/etc/hosts"}}),
              HasSubstr(details.networks[0].ipv4 + "\t" + id.substr(0, 12)));
  EXPECT_THAT(exec(id, {.argv = {"/bin/probe", "cat", "/etc/resolv.conf"}}), HasSubstr("nameserver 127.0.0.11"));
  EXPECT_THAT(message_of(engine().remove_network(network.id)),
              HasSubstr("has active endpoints (name:\"" + server.name));
  // The next start gets the same address.
  ASSERT_TRUE(engine().stop_container(id, {.timeout = Nanoseconds(0)}));
  EXPECT_TRUE(engine().inspect(id)->networks[0].ipv4.empty());
  ASSERT_TRUE(engine().start_container(id));
  EXPECT_EQ(engine().inspect(id)->networks[0].ipv4, details.networks[0].ipv4);
}

TEST_F(EngineTest, TwentyAtOnceAllRun) {
  std::vector<std::string> ids;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) ids.push_back(create(probe({"pause"})));
  std::vector<std::jthread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < ids.size(); i += 2)
        EXPECT_EQ(message_of(engine().start_container(ids[i])), "(no error)");
    });
  }
  threads.clear();
  const auto took = std::chrono::steady_clock::now() - begin;
  std::printf("20 containers made and started in %lld ms\n",
              static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  const auto before_list = std::chrono::steady_clock::now();
  const std::vector<Container> all = engine().list({.project = project_, .service = {}, .labels = {}}).value();
  std::printf("list in %lld us\n", static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(
                                                              std::chrono::steady_clock::now() - before_list)
                                                              .count()));
  for (const Container& container : all) EXPECT_EQ(container.state.status, Status::running) << container.name;
}

}  // namespace consort::engine
