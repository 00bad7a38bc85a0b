// What must hold whatever happens: locks, leftovers of crashes, addresses, two commands at once.
#include <fcntl.h>
#include <net/if.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "base/os/trees/trash.hpp"
#include "base/strings.hpp"
#include "fixture.hpp"
#include "network/bridge.hpp"

namespace consort::engine {

using testing::HasSubstr;

TEST_F(EngineTest, AProjectHasOneMasterAtATime) {
  const std::unique_ptr<Engine> other = second_engine();
  std::optional<ProjectLock> held = std::move(engine().lock_project(project_)).value();
  std::string told;
  const Result<ProjectLock> refused = other->lock_project(
      project_, {.patience = Nanoseconds(0), .on_wait = [&](const std::string& holder) { told = holder; }});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::busy);
  EXPECT_THAT(told, HasSubstr("another consort (pid " + std::to_string(::getpid())));
  EXPECT_THAT(told, HasSubstr("is working on project " + project_ + ": waiting for it"));
  std::jthread waiter([&] { EXPECT_TRUE(other->lock_project(project_)); });
  held.reset();
}

TEST_F(EngineTest, SweepTakesWhatNobodyNames) {
  const std::string kept = create(probe({"true"}));
  const std::string orphan = roots().container(random_id());
  ASSERT_TRUE(make_directories(orphan + "/upper/x", 0755));
  const std::string volume = roots().data + "/volumes/half_removed";
  ASSERT_TRUE(make_directories(volume + "/_data", 0755));
  ASSERT_TRUE(write_file_atomic(volume + "/removing", ""));
  const std::string data = roots().data + "/volumes/somebodys_data";
  ASSERT_TRUE(make_directories(data + "/_data/kept", 0755));
  const std::string empty = roots().data + "/volumes/never_recorded";
  ASSERT_TRUE(make_directories(empty + "/_data", 0755));
  ASSERT_EQ(message_of(engine().sweep()), "(no error)");
  EXPECT_FALSE(path_exists(orphan));
  EXPECT_FALSE(path_exists(volume));
  EXPECT_FALSE(path_exists(empty)) << "its maker died before the record";
  EXPECT_TRUE(path_exists(data + "/_data/kept")) << "a volume without a record may hold data of value";
  EXPECT_TRUE(path_exists(roots().container(kept)));
}

// Whoever creates a container or a network needs the lock that keeps sweeps away.
TEST_F(EngineTest, ASweepKeepsNobodyFromCreatingWhileItDeletes) {
  const std::string directory = roots().data + "/containers";
  const std::string orphan = roots().container(random_id());
  ASSERT_TRUE(make_directories(orphan + "/upper", 0755));
  const Fd upper = std::move(open_file(orphan + "/upper", O_RDONLY | O_DIRECTORY)).value();
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(open_at(upper.get(), std::to_string(i), O_WRONLY | O_CREAT, 0600));
  std::atomic<bool> could = false;
  {
    const Trash trash(directory);
    const std::jthread creator([&](const std::stop_token& stop) {
      const Fd guard = std::move(open_file(directory, O_RDONLY | O_DIRECTORY)).value();
      while (!stop.stop_requested() && !could) {
        if (path_exists(orphan) || ::flock(guard.get(), LOCK_SH | LOCK_NB) != 0) continue;
        could = !trash.is_empty();
        ::flock(guard.get(), LOCK_UN);
      }
    });
    ASSERT_EQ(message_of(engine().sweep()), "(no error)");
  }
  EXPECT_TRUE(could);
  EXPECT_FALSE(path_exists(orphan));
}

// The next command, whatever it works on, notices that a command was killed.
TEST_F(EngineTest, WhatACommandOfAnotherProjectHasLeftIsSwept) {
  ASSERT_TRUE(engine().lock_project(project_));  // the first lock of a project always checks
  const std::string bridge = "br-" + random_id().substr(0, 12);
  ASSERT_TRUE(create_bridge({.network_id = random_id(), .name = "left", .bridge = bridge, .owner = roots().data}));
  const std::string crashed = roots().project_run("crashed");
  ASSERT_TRUE(make_directories(crashed, 0700));
  ASSERT_TRUE(write_file_atomic(crashed + "/lock", "pid 1: consort down\n"));
  const std::string names = roots().run + "/networks/" + random_id();
  ASSERT_TRUE(make_directories(names, 0700));
  ASSERT_TRUE(write_file_atomic(names + "/crashed.json", "[]"));

  ASSERT_TRUE(engine().lock_project(project_));
  EXPECT_EQ(::if_nametoindex(bridge.c_str()), 0U);
  EXPECT_EQ(read_file(crashed + "/lock", 4096).value_or("?"), "");
  EXPECT_FALSE(path_exists(names));
}

TEST_F(EngineTest, ARemovalThatIsCutShortLeavesAWholeVolumeOrNone) {
  const Volume volume = engine().create_volume({.name = project_ + "_v"}).value();
  const std::string directory = dir_name(volume.mountpoint);
  ASSERT_TRUE(write_file_atomic(volume.mountpoint + "/old", ""));
  // Interrupted before the record was removed: the volume still exists for the next command and for every query.
  const Trash trash(roots().data + "/volumes");
  ASSERT_TRUE(move_directory(directory, trash.aside(volume.spec.name)));
  ASSERT_EQ(message_of(engine().sweep()), "(no error)");
  EXPECT_TRUE(path_exists(volume.mountpoint + "/old"));
  ASSERT_TRUE(move_directory(directory, trash.aside(volume.spec.name)));
  ASSERT_TRUE(engine().create_volume({.name = volume.spec.name}));
  EXPECT_TRUE(path_exists(volume.mountpoint + "/old"));
  // Interrupted after the record was removed.
  ASSERT_TRUE(engine().remove_volume(volume.spec.name));
  ASSERT_TRUE(make_directories(trash.aside(volume.spec.name) + "/_data/old", 0755));
  ASSERT_TRUE(engine().create_volume({.name = volume.spec.name}));
  EXPECT_FALSE(path_exists(volume.mountpoint + "/old"));
  ASSERT_EQ(message_of(engine().sweep()), "(no error)");
  EXPECT_TRUE(trash.is_empty());
  EXPECT_TRUE(trash.set_aside().empty());
}

TEST_F(EngineTest, FilesWithoutARecordAreNoNewVolume) {
  const std::string name = project_ + "_v";
  const std::string directory = roots().data + "/volumes/" + name;
  ASSERT_TRUE(make_directories(directory + "/_data/half", 0755));
  const Result<Volume> refused = engine().create_volume({.name = name});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::conflict);
  EXPECT_THAT(refused.error().message(), HasSubstr("_data contains files, but there is no record of such a volume"));
  EXPECT_THAT(refused.error().hint_text(), HasSubstr("`mv " + directory + " SOMEWHERE`"));
  // What a version from before the trash had begun to remove.
  ASSERT_TRUE(write_file_atomic(directory + "/removing", ""));
  const Volume volume = engine().create_volume({.name = name}).value();
  EXPECT_FALSE(path_exists(volume.mountpoint + "/half"));
}

TEST_F(EngineTest, AVolumeInUseIsNotTouched) {
  ContainerSpec spec = probe({"true"});
  spec.mounts = {{.type = MountType::volume, .source = project_ + "_v", .target = "/data"}};
  const std::string id = engine().create_container(spec).value().id;
  const Volume volume = engine().inspect_volume(project_ + "_v").value();
  EXPECT_THAT(message_of(engine().remove_volume(volume.spec.name)), HasSubstr("volume is in use - [" + id));
  EXPECT_TRUE(path_exists(volume.mountpoint));
}

TEST_F(EngineTest, AFailedCreationLeavesNothing) {
  ContainerSpec spec = probe({"true"});
  spec.mounts = {{.type = MountType::volume, .source = {}, .target = "/data"},
                 {.type = MountType::bind, .source = "/no/such/path", .target = "/b"}};
  ASSERT_FALSE(engine().create_container(spec));
  EXPECT_TRUE(engine().list()->empty());
  EXPECT_TRUE(engine().list_volumes()->empty());
  spec.image = "nosuch:1";
  EXPECT_EQ(message_of(engine().create_container(spec)), "No such image: nosuch:1");
}

TEST_F(EngineTest, DockersSocketIsThatOfOurServer) {
  const std::string dockers = "/var/run/docker.sock", ours = roots().run + "/docker.sock";
  if (path_exists(dockers)) GTEST_SKIP() << "there is a Docker on this machine";
  ContainerSpec spec = probe({"echo", "started"});
  spec.mounts = {{.type = MountType::bind, .source = dockers, .target = dockers, .create_host_path = true}};
  EXPECT_THAT(message_of(engine().create_container(spec)), HasSubstr("there is no such socket"));
  const Fd server = listen_unix(ours).value();
  EXPECT_EQ(engine().inspect(create(spec))->mounts.at(0).source, ours);
  spec.name += "-again";
  EXPECT_EQ(run(spec), "started\n");
  EXPECT_FALSE(path_exists(dockers));
}

TEST_F(EngineTest, ContainersOnANetworkWithoutIccAreKeptApart) {
  const std::string icc = "com.docker.network.bridge.enable_icc";
  EXPECT_THAT(message_of(engine().create_network({.name = project_ + "_w", .driver_opts = {{icc, "some"}}})),
              HasSubstr("failed to parse " + icc + " value: some"));
  ASSERT_TRUE(engine().create_network({.name = project_ + "_n", .driver_opts = {{icc, "False"}}}));
  ContainerSpec spec = probe({"echo", "started"});
  spec.network_mode = "";
  spec.networks = {{.network = project_ + "_n"}};
  EXPECT_EQ(run(spec), "started\n");
  const std::string unit = roots().container(engine().list()->front().id) + "/unit.json";
  EXPECT_THAT(read_file(unit).value(), HasSubstr("\"isolated\":true"));
}

TEST_F(EngineTest, NetworksOfTwoEnginesDoNotOverlap) {
  const std::unique_ptr<Engine> other = second_engine();
  std::optional<Network> first, second;
  {
    std::jthread a([&] { first = engine().create_network({.name = project_ + "_a"}).value(); });
    std::jthread b([&] { second = other->create_network({.name = project_ + "_b"}).value(); });
  }
  EXPECT_NE(first->spec.pools[0].subnet, second->spec.pools[0].subnet);
  EXPECT_EQ(message_of(other->create_network({.name = project_ + "_a"})),
            "network with name " + project_ + "_a already exists");
  const Result<Network> overlapping =
      engine().create_network({.name = project_ + "_c", .pools = {{.subnet = first->spec.pools[0].subnet}}});
  EXPECT_THAT(message_of(overlapping), HasSubstr("Pool overlaps with other one on this address space"));
  EXPECT_EQ(engine().list_networks()->size(), 2U);
}

TEST_F(EngineTest, SubnetsOfAFamilyThatIsOffGiveNoAddress) {
  const NetworkSpec spec{.name = project_ + "_n", .pools = {{.subnet = "10.213.78.0/24"}, {.subnet = "fd13:78::/64"}}};
  const Network network = engine().create_network(spec).value();
  ASSERT_EQ(network.spec.pools.size(), 1U);
  EXPECT_EQ(network.spec.pools[0].subnet, "10.213.78.0/24");
  NetworkSpec both = spec;
  both.name += "2";
  both.pools[0].subnet = "10.213.79.0/24";
  both.enable_ipv6 = true;
  EXPECT_EQ(engine().create_network(both).value().spec.pools.size(), 2U);
}

TEST_F(EngineTest, ABridgeIsMadeAgainWhenItIsGone) {
  const Network network = engine().create_network({.name = project_ + "_n"}).value();
  // As after a reboot.
  ASSERT_TRUE(remove_bridge({.network_id = network.id, .bridge = network.bridge, .owner = roots().data}));
  ContainerSpec spec = probe({"true"});
  spec.network_mode = "";
  spec.networks = {{.network = network.id}};
  EXPECT_EQ(run(spec), "");
  EXPECT_NE(::if_nametoindex(network.bridge.c_str()), 0U);
  ASSERT_EQ(message_of(engine().remove_network(network.id)), "(no error)");  // with a stopped container on it
  EXPECT_EQ(::if_nametoindex(network.bridge.c_str()), 0U);
}

// The name of a bridge may come from a file of unknown origin.
TEST_F(EngineTest, NoNameOfABridgeTakesWhatIsNotTheNetworks) {
  const auto named = [&](const std::string& bridge) {
    return engine().create_network(
        {.name = project_ + "_taker", .driver_opts = {{"com.docker.network.bridge.name", bridge}}});
  };
  const std::string victim = engine().create_network({.name = project_ + "_victim"}).value().bridge;
  EXPECT_EQ(named(victim).error().message(), "cannot create network " + project_ + "_taker (" + victim +
                                                 "): conflicts with network " + project_ + "_victim (" + victim +
                                                 "): networks have same bridge name");
  EXPECT_THAT(named("lo").error().message(), HasSubstr("existing interface lo is not a bridge"));
  for (const char* name : {"a b", "a\nb", "a/b", "br%d", "sixteen-letters-", ".."})
    EXPECT_EQ(named(name).error().code(), Code::invalid) << name;
  const std::string foreign = "x" + random_id().substr(0, 12);
  const BridgeNetwork somebodys{.network_id = random_id(), .bridge = foreign, .owner = "/srv/elsewhere"};
  ASSERT_TRUE(create_bridge(somebodys));
  EXPECT_EQ(named(foreign).error().code(), Code::conflict);
  EXPECT_NE(::if_nametoindex(victim.c_str()), 0U);
  EXPECT_NE(::if_nametoindex(foreign.c_str()), 0U);
  ASSERT_TRUE(remove_bridge(somebodys));
  const Network own = named(foreign).value();
  EXPECT_EQ(own.bridge, foreign);
  // Another program takes the name while the network is recorded.
  ASSERT_TRUE(remove_bridge({.network_id = own.id, .bridge = foreign, .owner = roots().data}));
  ASSERT_TRUE(create_bridge(somebodys));
  EXPECT_EQ(message_of(engine().remove_network(own.id)), "(no error)");
  EXPECT_NE(::if_nametoindex(foreign.c_str()), 0U);
  ASSERT_TRUE(remove_bridge(somebodys));
}

TEST_F(EngineTest, FixedAddressesAndTwoNetworks) {
  const NetworkSpec fixed{.name = project_ + "_fixed", .pools = {{.subnet = "10.213.77.0/24"}}};
  ASSERT_TRUE(engine().create_network(fixed));
  ASSERT_TRUE(engine().create_network({.name = project_ + "_inner", .internal = true}));
  ContainerSpec spec = probe({"pause"});
  spec.network_mode = "";
  spec.networks = {{.network = project_ + "_fixed", .ipv4 = "10.213.77.9"}, {.network = project_ + "_inner"}};
  const std::string id = create(spec);
  ASSERT_EQ(message_of(engine().start_container(id)), "(no error)");
  EXPECT_EQ(engine().inspect(id)->networks[0].ipv4, "10.213.77.9");
  ContainerSpec second = spec;
  second.name += "b";
  EXPECT_THAT(message_of(engine().start_container(create(second))), HasSubstr("Address already in use"));
  // Killed without its supervisor's knowledge: its lease no longer counts once another container needs the address.
  ASSERT_TRUE(engine().kill_container(id));
  ASSERT_TRUE(engine().wait_container(id));
  EXPECT_EQ(message_of(engine().start_container(second.name)), "(no error)");
}

TEST_F(EngineTest, PortsOfAnotherContainerAreTaken) {
  const Network network = engine().create_network({.name = project_ + "_n"}).value();
  ContainerSpec spec = probe({"serve", "80", "pong"});
  spec.network_mode = "";
  spec.networks = {{.network = network.id}};
  spec.ports = {{.host_port = 18271, .container_port = 80}};
  const std::string id = create(spec);
  ASSERT_EQ(message_of(engine().start_container(id)), "(no error)");
  const ContainerState state = engine().inspect(id)->state;
  ASSERT_FALSE(state.ports.empty());
  EXPECT_EQ(state.ports[0].host_port, 18271);
  ContainerSpec second = spec;
  second.name += "b";
  EXPECT_THAT(message_of(engine().start_container(create(second))),
              testing::AnyOf(HasSubstr("port is already allocated"), HasSubstr("address already in use")));
}

TEST_F(EngineTest, ConcurrentCreationsOfOneNameGiveOneContainer) {
  const std::unique_ptr<Engine> other = second_engine();
  const ContainerSpec spec = probe({"true"});
  std::atomic<int> made = 0;
  {
    std::jthread a([&] { made += engine().create_container(spec).has_value() ? 1 : 0; });
    std::jthread b([&] { made += other->create_container(spec).has_value() ? 1 : 0; });
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(engine().list()->size(), 1U);
}

}  // namespace consort::engine
