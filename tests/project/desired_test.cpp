// A model in, the desired project as text out.
#include "project/desired/desired.hpp"

#include <gmock/gmock.h>

#include "scene.hpp"

namespace consort::project::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string wanted_text(const std::string& yaml, const DesiredOptions& options = {}) {
  const auto wanted = desired_state(project_of(yaml), options);
  return wanted ? to_string(*wanted) : "error: " + wanted.error().message() + "\n";
}

TEST(Desired, SaysEverythingOnceAndFindsWhatIsNamed) {
  EXPECT_EQ(wanted_text(R"(
services:
  web:
    build: .
    pull_policy: build
    scale: 3
    depends_on:
      db: {condition: service_healthy, restart: true}
      mail: {condition: service_started, required: false}
    ports: ["127.0.0.1:8000-8010:80", "53/udp", "443:8443"]
    networks:
      back: {priority: 1}
      front: {priority: 5, aliases: [www], ipv4_address: 172.30.0.9}
    mac_address: "02:00:00:00:00:01"
    restart: on-failure:4
    deploy:
      resources:
        limits: {cpus: "0.1", memory: 64m, pids: 20}
        reservations: {memory: 32m}
  db:
    image: postgres:15
    platform: linux/amd64
    container_name: lms_postgres
    volumes: [data:/var/lib/postgresql/data, /cache, ./init:/init:ro]
    secrets: [password]
    configs: [{source: settings, target: /etc/settings}]
    healthcheck: {test: [CMD, "true"]}
    deploy: {restart_policy: {condition: any}}
  mail:
    image: mail
    network_mode: none
    healthcheck: {disable: true}
networks:
  front: {ipam: {config: [{subnet: 172.30.0.0/24}]}}
  back: {name: shared, external: true}
volumes: {data: }
secrets: {password: {file: ./password}}
configs: {settings: {content: "a=b"}}
)"),
            "project app\n"
            "network shared, external\n"
            "network app_default\n"
            "network app_front\n"
            "volume app_data\n"
            "service db\n"
            "  replicas 1, named lms_postgres\n"
            "  image postgres:15 for linux/amd64\n"
            "  on network app_default\n"
            "  volume app_data at /var/lib/postgresql/data\n"
            "  volume at /cache\n"
            "  bind /app/init at /init, read-only\n"
            "  secret password at /run/secrets/password, from /app/password\n"
            "  config settings at /etc/settings, written\n"
            "  restart always\n"
            "  health check CMD true\n"
            "service mail\n"
            "  replicas 1\n"
            "  image mail\n"
            "  network mode none\n"
            "  restart never\n"
            "  no health check\n"
            "service web\n"
            "  replicas 3\n"
            "  image app-web, built, pull policy build\n"
            "  after db, service_healthy, restarted with it\n"
            "  after mail, service_started, if there is one\n"
            "  on network app_front as www, 172.30.0.9, 02:00:00:00:00:01\n"
            "  on network shared\n"
            "  port 80/tcp at 127.0.0.1 port 8000 to 8010\n"
            "  port 53/udp at any port\n"
            "  port 8443/tcp at port 443\n"
            "  restart on failure, at most 4 times\n"
            "  at most 0.1 CPUs\n"
            "  at most 67108864 bytes of memory\n"
            "  reserves 33554432 bytes of memory\n"
            "  at most 20 processes\n");
}

TEST(Desired, ReplicasAreThoseThatWereAskedFor) {
  constexpr const char* yaml = "services: {a: {image: x, scale: 2}, b: {image: x, deploy: {replicas: 4}}}";
  const std::string text = wanted_text(yaml, {.scale = {{"a", 0}}});
  EXPECT_THAT(text, HasSubstr("service a\n  replicas 0\n"));
  EXPECT_THAT(text, HasSubstr("service b\n  replicas 4\n"));
  EXPECT_THAT(wanted_text("services: {a: {image: x, container_name: alone}}", {.scale = {{"a", 2}}}),
              HasSubstr("using the custom container name \"alone\", and each container needs a unique name"));
}

TEST(Desired, NothingThatIsAlwaysRestartedIsCounted) {
  const auto wanted = desired_state(
      project_of("services: {a: {image: x, deploy: {restart_policy: {condition: any, max_attempts: 2}}}}"));
  ASSERT_FALSE(wanted);
  EXPECT_EQ(wanted.error().message(), "invalid restart policy: maximum retry count can only be used with 'on-failure'");
}

TEST(Desired, WhatCannotBeUnderstoodIsSaidWithItsPlace) {
  const auto wanted = desired_state(project_of("services:\n  a: {image: x, restart: sometimes}\n"));
  ASSERT_FALSE(wanted);
  EXPECT_EQ(wanted.error().message(),
            "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or "
            "'unless-stopped'");
  ASSERT_TRUE(wanted.error().mark());
  EXPECT_EQ(wanted.error().mark()->line, 2u);
  EXPECT_THAT(wanted_text("services: {a: {image: x, secrets: [s]}}\nsecrets: {s: {environment: NOT_SET}}"),
              HasSubstr("environment variable \"NOT_SET\" required by secret"));
}

TEST(Desired, NumbersThatDoNotFitAreNotCut) {
  EXPECT_THAT(wanted_text("services: {web: {image: x, ports: [{target: 65616}]}}"),
              HasSubstr("Invalid containerPort: 65616"));
  const std::string config = "configs: {s: {content: c}}\nservices: {web: {image: x, configs: [{source: s, uid: ";
  EXPECT_THAT(wanted_text(config + "'4294967296'}]}}"), HasSubstr("invalid uid \"4294967296\" of \""));
  EXPECT_THAT(wanted_text(config + "postgres}]}}"), HasSubstr("invalid uid \"postgres\" of \""));
  EXPECT_THAT(wanted_text("services: {web: {image: x, restart: 'on-failure:4294967297'}}"),
              HasSubstr("at most 4294967295 times"));
}

// The content of a secret is only for the container.
TEST(Desired, NoContentIsShown) {
  const std::string text = wanted_text(
      "services: {a: {image: x, configs: [c]}}\n"
      "configs: {c: {content: \"password=hunter2\"}}");
  EXPECT_THAT(text, HasSubstr("config c at /c, written"));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
}

// Attributes that the service's own fields cover are not repeated.
TEST(Desired, TheRestHasNothingThatIsSaidElsewhere) {
  const auto wanted = desired_state(project_of(R"(
services:
  a:
    image: x
    command: [run]
    restart: always
    ports: ["80:80"]
    volumes: [/v]
    deploy: {replicas: 2, resources: {limits: {pids: 5}}}
)"));
  ASSERT_TRUE(wanted) << wanted.error().message();
  const compose::Service& rest = wanted->services.at(0).container;
  EXPECT_EQ(rest.command, compose::Strings{"run"});
  EXPECT_TRUE(rest.image.empty() && rest.restart.empty() && rest.ports.empty() && rest.volumes.empty());
  EXPECT_FALSE(rest.deploy);
  EXPECT_EQ(rest.pids_limit, 0);
}

}  // namespace
}  // namespace consort::project::test
