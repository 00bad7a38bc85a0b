#include "engine/spec_changes.hpp"

#include <gtest/gtest.h>

namespace consort::engine {
namespace {

// "setting: before > after"
std::vector<std::string> told(const std::vector<SpecChange>& changes) {
  std::vector<std::string> lines;
  for (const SpecChange& change : changes)
    lines.push_back(change.setting + ": " + (change.secret ? "?" : change.before + " > " + change.after));
  return lines;
}

TEST(SpecChanges, AreToldInTheWordsOfTheFile) {
  ContainerSpec before;
  before.image = "nginx:1";
  before.environment = {"A=1", "GONE=x", "DB_PASSWORD=old"};
  before.mounts = {{.type = MountType::volume, .source = "data", .target = "/data"},
                   {.type = MountType::volume, .source = std::string(64, 'a'), .target = "/anonymous"}};
  before.ports = {{.host_ip = {}, .host_port = 8080, .host_port_end = 0, .container_port = 80, .protocol = "tcp"}};
  before.labels = {{"com.docker.compose.config-hash", "1"}, {"own", "x"}};
  before.restart.mode = RestartMode::always;
  before.resources.nano_cpus = 500'000'000;
  ContainerSpec after = before;
  EXPECT_TRUE(changes_between(before, after).empty());
  after.image = "nginx:2";
  after.environment = {"A=2", "NEW=y", "DB_PASSWORD=new"};
  after.mounts = {{.type = MountType::bind, .source = "/srv", .target = "/data", .read_only = true}};
  after.ports.front().host_port = 8081;
  after.labels["com.docker.compose.config-hash"] = "2";
  after.labels.erase("own");
  after.restart = {RestartMode::on_failure, 3};
  after.health.emplace().interval = Nanoseconds(5'000'000'000);
  after.resources.nano_cpus = 1'500'000'000;
  after.labels["basicauth.users"] = "me:hash";
  after.log.options = {{"max-size", "1m"}, {"syslog-address", "tcp://me:word@host"}};
  EXPECT_EQ(told(changes_between(before, after)),
            (std::vector<std::string>{"cpus: 0.5 > 1.5", "environment.A: 1 > 2", "environment.DB_PASSWORD: ?",
                                      "environment.GONE: x > ", "environment.NEW:  > y", "healthcheck.interval:  > 5s",
                                      "image: nginx:1 > nginx:2", "labels.basicauth.users: ?", "labels.own: x > ",
                                      "logging.options.max-size:  > 1m", "logging.options.syslog-address: ?",
                                      "ports: 8080:80/tcp > 8081:80/tcp", "restart: always > on-failure:3",
                                      "volumes:/data: data > /srv, read-only"}));
}

TEST(SpecChanges, OfNetworksLeaveOutWhatTheEngineChose) {
  NetworkSpec before, after;
  before.driver = "bridge";
  before.chosen_pools = true;
  before.pools = {{.subnet = "172.18.0.0/16", .ip_range = {}, .gateway = "172.18.0.1", .aux_addresses = {}}};
  EXPECT_TRUE(changes_between(before, after).empty());
  after.internal = true;
  after.pools = {{.subnet = "10.1.0.0/24", .ip_range = {}, .gateway = {}, .aux_addresses = {}}};
  EXPECT_EQ(told(changes_between(before, after)),
            (std::vector<std::string>{"internal: false > true", "ipam.config:  > 10.1.0.0/24"}));
}

}  // namespace
}  // namespace consort::engine
