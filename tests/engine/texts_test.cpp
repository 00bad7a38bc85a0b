// Texts that the engine writes: host files, records, mount options and their order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/records/json_text.hpp"
#include "engine/start/host_files.hpp"
#include "engine/start/link_environment.hpp"
#include "engine/start/oci.hpp"
#include "engine/state_text.hpp"

namespace consort::engine {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A success that no process has observed does not count.
TEST(ExitCodes, OfWhatNeverRanAndOfWhatNobodySaw) {
  ContainerState state{.status = Status::created};
  EXPECT_EQ(shown_exit_code(state), 0);
  state.started_at = system_now();
  state.status = Status::running;
  EXPECT_EQ(shown_exit_code(state), 0);
  state.status = Status::exited;
  EXPECT_EQ(shown_exit_code(state), 255);
  state.exit_code = 3;
  EXPECT_EQ(shown_exit_code(state), 3);
}

TEST(Links, TellByVariablesWhereTheOtherIsAndWhatItHas) {
  const LinkedContainer db{.alias = "my-db",
                           .address = "172.17.0.2",
                           .exposed = {"5433/udp", "5432/tcp"},
                           .environment = {"USER=app", "PATH=/bin", "HOME=/root", "bare"}};
  EXPECT_THAT(link_environment("web", db),
              ElementsAre("MY_DB_PORT=tcp://172.17.0.2:5432", "MY_DB_PORT_5432_TCP=tcp://172.17.0.2:5432",
                          "MY_DB_PORT_5432_TCP_ADDR=172.17.0.2", "MY_DB_PORT_5432_TCP_PORT=5432",
                          "MY_DB_PORT_5432_TCP_PROTO=tcp", "MY_DB_PORT_5433_UDP=udp://172.17.0.2:5433",
                          "MY_DB_PORT_5433_UDP_ADDR=172.17.0.2", "MY_DB_PORT_5433_UDP_PORT=5433",
                          "MY_DB_PORT_5433_UDP_PROTO=udp", "MY_DB_NAME=/web/my-db", "MY_DB_ENV_USER=app"));
}

TEST(Hosts, LooksLikeDockers) {
  EXPECT_EQ(make_hosts({.extra = {{"db.local", "10.0.0.9"}},
                        .own = {"172.18.0.2", "fd00::2"},
                        .hostname = "web",
                        .domainname = "example.org"}),
            "127.0.0.1\tlocalhost\n"
            "::1\tlocalhost ip6-localhost ip6-loopback\n"
            "fe00::\tip6-localnet\n"
            "ff00::\tip6-mcastprefix\n"
            "ff02::1\tip6-allnodes\n"
            "ff02::2\tip6-allrouters\n"
            "10.0.0.9\tdb.local\n"
            "172.18.0.2\tweb.example.org web\n"
            "fd00::2\tweb.example.org web\n");
}

// Lines that the container added are kept.
TEST(Hosts, OwnAddressesComeAndGo) {
  const std::string before = "127.0.0.1\tlocalhost\n172.18.0.2\tc1.d c1\n172.18.0.2\tmine\n";
  const HostsChange joined{.hostname = "c1", .domainname = "d", .gone = {}, .added = {"10.9.0.2", "fd00::2"}};
  EXPECT_EQ(change_hosts(before, joined), before + "10.9.0.2\tc1.d c1\nfd00::2\tc1.d c1\n");
  const HostsChange left{.hostname = "c1", .domainname = "d", .gone = {"172.18.0.2"}, .added = {}};
  EXPECT_EQ(change_hosts(before, left), "127.0.0.1\tlocalhost\n172.18.0.2\tmine\n");
  EXPECT_EQ(change_hosts("last line", joined), "last line\n10.9.0.2\tc1.d c1\nfd00::2\tc1.d c1\n");
  EXPECT_EQ(change_hosts("", left), "");
}

TEST(ResolvConf, PointsToTheInternalResolver) {
  const std::string text =
      make_resolv_conf({.host_text = "# host\nnameserver 10.0.2.3\nsearch a.example b.example\noptions edns0\n"});
  EXPECT_THAT(text, HasSubstr("\nnameserver 127.0.0.11\nsearch a.example b.example\noptions edns0 ndots:0\n"));
  EXPECT_THAT(text, HasSubstr("# ExtServers: [10.0.2.3]"));
  EXPECT_THAT(text, Not(HasSubstr("nameserver 10.0.2.3")));
}

TEST(ResolvConf, OwnSettingsReplaceTheHosts) {
  const std::string text = make_resolv_conf({.host_text = "nameserver 10.0.2.3\nsearch x\noptions ndots:3\n",
                                             .servers = {"1.1.1.1"},
                                             .search = {"own"},
                                             .options = {"timeout:1"}});
  EXPECT_THAT(text, HasSubstr("search own\noptions timeout:1\n"));
  EXPECT_THAT(text, HasSubstr("ExtServers: [1.1.1.1]"));
}

TEST(ResolvConf, OnTheDefaultBridgeLoopbackServersAreNoUse) {
  const std::string text =
      make_resolv_conf({.host_text = "nameserver 127.0.0.53\nnameserver 192.0.2.1\n", .internal_resolver = false});
  EXPECT_THAT(text, HasSubstr("nameserver 192.0.2.1\n"));
  EXPECT_THAT(text, Not(HasSubstr("127.0.0.53")));
  EXPECT_THAT(make_resolv_conf({.host_text = "nameserver 127.0.0.53\n", .internal_resolver = false}),
              HasSubstr("nameserver 8.8.8.8\n"));
}

TEST(ResolvConf, AnEditIsNoticed) {
  const std::string text = make_resolv_conf({.host_text = "nameserver 192.0.2.1\n"});
  EXPECT_FALSE(is_edited_resolv_conf(text));
  EXPECT_TRUE(is_edited_resolv_conf(text + "nameserver 9.9.9.9\n"));
  EXPECT_TRUE(is_edited_resolv_conf("nameserver 9.9.9.9\n"));
  EXPECT_TRUE(is_edited_resolv_conf(""));
}

TEST(TmpfsOptions, ExtendAndReplaceTheDefaults) {
  EXPECT_THAT(tmpfs_options(""), ElementsAre("rw", "nosuid", "nodev", "noexec"));
  EXPECT_THAT(tmpfs_options("size=1m,mode=700,uid=5,exec"),
              ElementsAre("rw", "nosuid", "nodev", "size=1m", "mode=700", "uid=5", "exec"));
  EXPECT_THAT(tmpfs_options("ro"), ElementsAre("nosuid", "nodev", "noexec", "ro"));
}

TEST(Mounts, ParentsComeFirst) {
  std::vector<runtime::Mount> mounts{
      {"/a/b/c", "", "", {}}, {"/x", "", "", {}}, {"/a/b", "", "", {}}, {"/a", "", "", {}}};
  sort_mounts(mounts);
  std::vector<std::string> order;
  for (const runtime::Mount& mount : mounts) order.push_back(mount.destination);
  EXPECT_THAT(order, ElementsAre("/x", "/a", "/a/b", "/a/b/c"));
}

TEST(Records, ASpecComesBackAsItWas) {
  ContainerSpec spec;
  spec.name = "web-1";
  spec.number = 0;  // not the default
  spec.entrypoint = Strings{};
  spec.command = Strings{"a", "b \"c\" \n\xc3\xa4"};
  spec.environment = {"A=1", "B"};
  spec.labels = {{"k", "v"}, {"", ""}};
  spec.mounts = {{.type = MountType::bind, .source = "/s", .target = "/t", .read_only = true},
                 {.type = MountType::tmpfs, .source = {}, .target = "/r", .tmpfs_size = 5, .tmpfs_mode = 0700}};
  spec.networks = {{.network = "n", .aliases = {"x"}, .ipv4 = "10.0.0.2", .priority = -3, .gw_priority = 7}};
  spec.ports = {
      {.host_ip = "127.0.0.1", .host_port = 80, .host_port_end = 90, .container_port = 8080, .protocol = "udp"}};
  spec.restart = {.mode = RestartMode::on_failure, .max_retries = 3};
  spec.health = HealthSpec{};
  spec.health->interval = Nanoseconds(1'500'000'000);
  spec.stop_timeout = Nanoseconds(-1);
  spec.init = false;
  spec.ulimits = {{"nofile", 1, -1}};
  spec.shm_size = 0;
  spec.resources.memory_swap = -1;
  spec.resources.pids_limit = 0;
  spec.resources.blkio_read_bps = {{"/dev/sda", 1}};
  spec.log = {.driver = "local", .options = {{"max-size", "1m"}}};
  spec.files = {{.path = "/f", .content = "c", .mode = 0400, .uid = 1, .gid = 2}};
  const Result<ContainerSpec> back = from_json<ContainerSpec>(to_json(spec), "test");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_TRUE(*back == spec) << to_json(spec) << "\n" << to_json(*back);
}

TEST(Records, DefaultsAreLeftOutAndUnknownFieldsIgnored) {
  EXPECT_EQ(to_json(ContainerSpec{}), "{}");
  EXPECT_EQ(to_json(NetworkSpec{}), "{}");
  NetworkSpec spec;
  spec.enable_ipv4 = false;
  EXPECT_FALSE(from_json<NetworkSpec>(to_json(spec), "test")->enable_ipv4);
  EXPECT_TRUE(from_json<ContainerSpec>(R"({"of the future": [1], "name": "x"})", "test"));
  EXPECT_FALSE(from_json<ContainerSpec>(R"({"name": 5})", "test"));
  EXPECT_FALSE(from_json<ContainerSpec>("not json", "test"));
}

}  // namespace consort::engine
