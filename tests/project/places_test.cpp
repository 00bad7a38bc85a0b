// Finds the line of the file for the subject of an error.
#include "project/desired/places.hpp"

#include <gmock/gmock.h>

#include "project/desired/desired.hpp"
#include "scene.hpp"

namespace consort::project::test {
namespace {

const char* const everything = R"(services:
  web:
    image: web
    restart: always
    ulimits:
      nofile: 5
      memlock: {soft: 1, hard: 2}
    cap_add:
      - NET_ADMIN
      - FOO
    sysctls:
      - net.ipv4.a=1
      - net.foo.bar=2
    volumes:
      - ./a:/a
      - ./b:/b/
    tmpfs: /t
    devices:
      - /dev/null
      - /dev/no-such:/dev/x
    extra_hosts: ["a:192.0.2.1", "b=no-such"]
    networks:
      back:
      front: {ipv4_address: 1.2.3.4}
  job:
    image: job
    volumes: [data:/data]
    deploy:
      restart_policy: {condition: any}
      resources:
        limits:
          cpus: "9"
networks:
  back:
  front:
    name: shared
    driver: other
volumes:
  data:
    driver: other
)";

class Places : public testing::Test {
 protected:
  std::size_t line(const std::string& service, const std::string& setting) {
    return locate_setting(project_, project_.services.at(service), setting).line;
  }
  std::size_t line(const std::string& service, Subject subject, const std::string& name) {
    return locate_cause(project_, project_.services.at(service), Error(Code::invalid, "x").about(subject, name)).line;
  }
  compose::Project project_ = project_of(everything);
};

TEST_F(Places, SettingsAreFoundWithTheirEntries) {
  EXPECT_EQ(line("web", "restart"), 4U);
  EXPECT_EQ(line("web", "ulimits/nofile"), 6U);
  EXPECT_EQ(line("web", "ulimits/memlock"), 7U);
  EXPECT_EQ(line("web", "cap_add/FOO"), 10U);
  EXPECT_EQ(line("web", "sysctls/net.foo.bar"), 13U);
  EXPECT_EQ(line("web", "devices//dev/no-such"), 20U);
  EXPECT_EQ(line("web", "extra_hosts/b"), 21U);
  EXPECT_EQ(line("web", "networks/shared"), 24U);
}

TEST_F(Places, WhatTheFileDoesNotHaveIsAtTheService) {
  EXPECT_EQ(line("web", "pid"), 2U);
  EXPECT_EQ(line("web", "ulimits/core"), 5U);
  EXPECT_EQ(line("web", Subject::none, ""), 2U);
  EXPECT_EQ(line("web", Subject::mount, "/of/the/image"), 2U);
}

TEST_F(Places, TheSecondPlaceOfASettingCounts) {
  EXPECT_EQ(line("job", "restart"), 29U);
  EXPECT_EQ(line("job", "cpus"), 32U);
  EXPECT_EQ(line("job", "mem_limit"), 31U);
}

TEST_F(Places, MountsAreFoundByTheirTarget) {
  EXPECT_EQ(line("web", Subject::mount, "/b"), 16U);
  EXPECT_EQ(line("web", Subject::mount, "/t"), 17U);
}

TEST(PlacesOfFiles, SecretsAndConfigsAreFoundByTheirTarget) {
  const compose::Project project = project_of(R"(services:
  web:
    image: web
    secrets:
      - one
      - {source: two, target: /elsewhere}
    configs:
      - three
secrets:
  one: {file: ./one}
  two: {file: ./two}
configs:
  three: {file: ./three}
)");
  const auto line = [&](const std::string& target) {
    return locate_cause(project, project.services.at("web"), Error(Code::invalid, "x").about(Subject::mount, target))
        .line;
  };
  EXPECT_EQ(line("/run/secrets/one"), 5U);
  EXPECT_EQ(line("/elsewhere"), 6U);
  EXPECT_EQ(line("/three"), 8U);
}

TEST(PlacesOfPorts, EachEntryIsFound) {
  const compose::Project project = project_of(R"(services:
  web:
    image: web
    ports:
      - 1000-1002:80-82
      - "53:53/udp"
      - 2000:90
      - {target: 91, published: "3000-3009"}
)");
  const auto line = [&](const std::string& port) {
    return locate_cause(project, project.services.at("web"), Error(Code::conflict, "x").about(Subject::port, port))
        .line;
  };
  EXPECT_EQ(line("1001/tcp"), 5U);
  EXPECT_EQ(line("53/udp"), 6U);
  EXPECT_EQ(line("2000/tcp"), 7U);
  EXPECT_EQ(line("3000-3009/tcp"), 8U);
  EXPECT_EQ(line("53/tcp"), 4U);
}

TEST_F(Places, NetworksAndVolumesAreFoundByTheirNames) {
  const Error error = Error(Code::invalid, "x").about(Subject::setting, "driver");
  EXPECT_EQ(locate_network(project_, "shared", error).line, 37U);
  EXPECT_EQ(locate_network(project_, "app_back", error).line, 34U);
  EXPECT_EQ(locate_volume(project_, "app_data", error).line, 40U);
  EXPECT_EQ(locate_network(project_, "nobodys", error).line, 0U);
}

TEST(PlacesOfDesired, APolicyThatThereIsNotIsShownInTheFile) {
  const auto wanted = desired_state(project_of("services:\n  a:\n    image: a\n    restart: allways\n"), {});
  ASSERT_FALSE(wanted);
  ASSERT_TRUE(wanted.error().mark());
  EXPECT_EQ(wanted.error().mark()->line, 4U);
}

}  // namespace
}  // namespace consort::project::test
