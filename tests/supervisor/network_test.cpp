// Containers that communicate: published ports, names, and health checks that wait for a listener. Run in a network
// namespace that stands for the host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <sys/stat.h>

#include "network_fixture.hpp"

namespace consort::supervisor {
namespace {

TEST_F(NetworkTest, PublishesPortsAndNamesAcrossAReplacement) {
  TestProject project;
  ContainerUnit db = networked(project, {"serve", "5432", "from db"}, "10.77.0.2", {"db", "db.alias"});
  db.ports = {PortUnit{"127.0.0.1", 0, 0, 5432, "tcp"}};
  const ContainerUnit web = networked(project, {"pause"}, "10.77.0.3", {"web"});
  const auto db_state = project.start(db);
  ASSERT_TRUE(db_state) << db_state.error().message();
  const auto web_state = project.start(web);
  ASSERT_TRUE(web_state) << web_state.error().message();
  ASSERT_EQ(db_state->ports.size(), 1u);
  EXPECT_EQ(db_state->ports[0].host_ip, "127.0.0.1");
  const std::uint16_t port = db_state->ports[0].host_port;
  EXPECT_NE(port, 0);

  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(eventually([&] { return test::tcp_ask("127.0.0.1", port, "").starts_with("from db"); })) << round;
    EXPECT_TRUE(eventually([&] { return resolve_in(*web_state, "db") == "NOERROR 10.77.0.2"; })) << round;
    EXPECT_EQ(resolve_in(*web_state, "DB.ALIAS"), "NOERROR 10.77.0.2");
    EXPECT_EQ(resolve_in(*db_state, "web.shop_default"), "NOERROR 10.77.0.3");
    kill_supervisor(project);
  }
  ASSERT_TRUE(project.client().stop(db.id));
  EXPECT_TRUE(eventually([&] { return resolve_in(*web_state, "db") != "NOERROR 10.77.0.2"; }));
  EXPECT_FALSE(test::tcp_ask("127.0.0.1", port, "").starts_with("from db"));
}

TEST_F(NetworkTest, APortInUseNamesItsOwnerAndLeavesNothing) {
  TestProject project;
  ContainerUnit first = networked(project, {"pause"}, "10.77.0.2", {"first"});
  first.ports = {PortUnit{"", 18433, 0, 80, "tcp"}};
  ContainerUnit second = networked(project, {"pause"}, "10.77.0.3", {"second"});
  second.ports = first.ports;
  ASSERT_TRUE(project.start(first));
  const auto refused = project.start(second);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::conflict);
  EXPECT_THAT(refused.error().message() + refused.error().hint_text(), testing::HasSubstr(first.name));
  ASSERT_TRUE(project.client().stop(first.id));
  const auto now = project.start(second);
  EXPECT_TRUE(now) << now.error().message();
}

// A process that keeps the old namespace open simulates a kernel that has not removed it yet.
TEST_F(NetworkTest, TheAddressOfASecondFaceIsFreeWhenItsContainerHasEnded) {
  TestProject project;
  ContainerUnit unit = networked(project, {"pause"}, "198.51.100.7", {"web"});
  EndpointUnit& face = unit.endpoints.front();
  face.bridge.clear();
  face.parent = "eth0";
  face.driver = "macvlan";
  face.mode = "bridge";
  face.gateway4 = "198.51.100.1";
  const auto first = project.start(unit);
  ASSERT_TRUE(first) << first.error().message();
  const Fd old = open_file("/proc/" + std::to_string(first->pid) + "/ns/net", O_RDONLY).value();
  ASSERT_TRUE(project.client().stop(unit.id));
  const auto again = project.start(unit);
  ASSERT_TRUE(again) << again.error().message();
}

TEST_F(NetworkTest, TakesTheNamespaceThatItsStarterHasMade) {
  TestProject project;
  const ContainerUnit unit = networked(project, {"serve", "80", "made ahead"}, "10.77.0.2", {"web"});
  MadeAhead made{make_sandbox_ahead(unit), {}};
  ASSERT_TRUE(made.sandbox.netns);
  struct stat mine, its;
  ASSERT_EQ(::fstat(made.sandbox.netns.get(), &mine), 0);
  const auto started = project.client().start(project.write(unit), nullptr, -1, made);
  ASSERT_TRUE(started) << started.error().message();
  made = {};  // the command that started it may end
  ASSERT_EQ(::stat(("/proc/" + std::to_string(started->pid) + "/ns/net").c_str(), &its), 0);
  EXPECT_EQ(mine.st_ino, its.st_ino);
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(eventually([&] { return test::tcp_ask("10.77.0.2", 80, "").starts_with("made ahead"); })) << round;
    EXPECT_TRUE(eventually([&] { return resolve_in(*started, "web") == "NOERROR 10.77.0.2"; })) << round;
    kill_supervisor(project);  // its successor gets it from the keeper
  }
  // From then on, the supervisor creates the namespaces itself.
  const auto restarted = project.client().restart(unit.id, {.timeout = Milliseconds(0)});
  ASSERT_TRUE(restarted) << restarted.error().message();
  EXPECT_TRUE(eventually([&] { return resolve_in(*restarted, "web") == "NOERROR 10.77.0.2"; }));
}

TEST_F(NetworkTest, WhatWasMadeForAStartThatFailsGoes) {
  TestProject project;
  ContainerUnit first = networked(project, {"pause"}, "10.77.0.2", {"first"});
  first.ports = {PortUnit{"", 18435, 0, 80, "tcp"}};
  ContainerUnit second = networked(project, {"pause"}, "10.77.0.3", {"second"});
  second.ports = first.ports;
  ASSERT_TRUE(project.start(first));
  {
    const MadeAhead made{make_sandbox_ahead(second), {}};
    ASSERT_EQ(made.sandbox.host_links.size(), 1u);
    ASSERT_FALSE(project.client().start(project.write(second), nullptr, -1, made));
    EXPECT_NE(::if_nametoindex(made.sandbox.host_links.front().c_str()), 0u);
    second.name = made.sandbox.host_links.front();
  }
  EXPECT_TRUE(eventually([&] { return ::if_nametoindex(second.name.c_str()) == 0; }));
}

TEST_F(NetworkTest, SharesANamespace) {
  TestProject project;
  const ContainerUnit owner = networked(project, {"serve", "80", "shared"}, "10.77.0.2", {"owner"});
  ContainerUnit guest = project.unit({"connect", "127.0.0.1", "80"});
  guest.network_mode = NetworkMode::container;
  guest.network_container = owner.id;
  EXPECT_FALSE(project.start(guest));  // not running
  const auto state = project.start(owner);
  ASSERT_TRUE(state) << state.error().message();
  ASSERT_TRUE(eventually([&] { return test::tcp_ask("10.77.0.2", 80, "").starts_with("shared"); }));
  ASSERT_TRUE(project.start(guest));
  EXPECT_EQ(project.client().wait(guest.id)->exit_code, 0);
}

// Eager checks: although the interval is half a minute, the container is healthy moments after listening, and not
// before.
TEST_F(NetworkTest, HealthComesWithTheListener) {
  TestProject project;
  ContainerUnit unit = networked(project, {"sleep", "700", "--", "serve", "5432", "db"}, "10.77.0.2", {"db"});
  unit.exposed_tcp_ports = {5432};
  unit.health = HealthUnit{.argv = {"/probe", "true"}};
  const auto before = system_now();
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return project.state(unit).health.status == HealthStatus::healthy; }));
  const ContainerState state = project.state(unit);
  ASSERT_EQ(state.health.log.size(), 1u);
  EXPECT_GE(state.health.log[0].start - before, std::chrono::milliseconds(650));
}

// While a database is being initialized, its temporary server passes the check, but other containers cannot connect.
TEST_F(NetworkTest, ATemporaryServerOnLoopbackIsNotHealthy) {
  TestProject project;
  ContainerUnit unit = networked(project, {"listen", "5432", "127.0.0.1", "--", "pause"}, "10.77.0.2", {"db"});
  unit.exposed_tcp_ports = {5432};
  unit.health = HealthUnit{.argv = {"/probe", "true"}};
  ASSERT_TRUE(project.start(unit));
  ::poll(nullptr, 0, 1500);
  EXPECT_EQ(project.state(unit).health.status, HealthStatus::starting);
}

// Like the entrypoint of a database image: first a temporary server that only the check inside can reach
// (/tmp/answers), during which many regular checks succeed; then the real one, which listens.
TEST_F(NetworkTest, RegularChecksDoNotTakeATemporaryServerForTheRealOne) {
  TestProject project;
  ContainerUnit unit = networked(project,
                                 {"write", "/tmp/answers", "temporary", "--", "sleep", "4000", "--", "echo", "serves",
                                  "--", "serve", "5432", "db"},
                                 "10.77.0.2", {"db"});
  unit.exposed_tcp_ports = {5432};
  unit.health = HealthUnit{.argv = {"/probe", "open", "/tmp/answers"},
                           .interval = Milliseconds(100),
                           .timeout = Milliseconds(5000),
                           .retries = 600};
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return project.state(unit).health.status == HealthStatus::healthy; }));
  const ContainerState state = project.state(unit);
  EXPECT_GE(state.health.log.back().start - *state.started_at, std::chrono::milliseconds(3950));
  EXPECT_GE(state.health.log.size(), 2u);
  EXPECT_EQ(state.health.log.front().exit_code, 0);  // a success that did not count
  EXPECT_TRUE(test::tcp_ask("10.77.0.2", 5432, "").starts_with("db"));
}

TEST_F(NetworkTest, WithoutPortsTheCheckAloneDecidesAndFailuresKeepTheirOutput) {
  TestProject project;
  ContainerUnit unit = project.unit({"pause"});
  unit.health = HealthUnit{.argv = {"/probe", "true"}};
  ASSERT_TRUE(project.start(unit));
  EXPECT_TRUE(eventually([&] { return project.state(unit).health.status == HealthStatus::healthy; }));

  ContainerUnit sick = project.unit({"pause"});
  sick.health = HealthUnit{.argv = {"/probe", "echo", "no answer", "--", "exit", "2"},
                           .interval = Milliseconds(100),
                           .timeout = Milliseconds(5000),
                           .retries = 2};
  ASSERT_TRUE(project.start(sick));
  ASSERT_TRUE(eventually([&] { return project.state(sick).health.status == HealthStatus::unhealthy; }));
  const HealthResult result = project.state(sick).health.log.back();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.output, "no answer\n");

  ContainerUnit slow = project.unit({"pause"});
  slow.health = HealthUnit{.argv = {"/probe", "sleep", "60000"},
                           .interval = Milliseconds(100),
                           .timeout = Milliseconds(200),
                           .retries = 1,
                           .eager = false};
  ASSERT_TRUE(project.start(slow));
  ASSERT_TRUE(eventually([&] { return project.state(slow).health.status == HealthStatus::unhealthy; }));
  EXPECT_EQ(project.state(slow).health.log.front().output, "Health check exceeded timeout (200ms)");
  EXPECT_EQ(project.state(slow).health.log.front().exit_code, -1);
}

}  // namespace
}  // namespace consort::supervisor
