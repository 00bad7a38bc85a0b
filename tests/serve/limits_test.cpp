// The limits of a socket for a single project: hostile requests, each with the check that stops it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <filesystem>

#include "../facilities.hpp"
#include "serve/api/limits.hpp"
#include "serve/api/router.hpp"
#include "serve/api/service.hpp"

using namespace consort;         // NOLINT: a test
using namespace consort::serve;  // NOLINT

namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class LimitsTest : public testing::Test {
 protected:
  std::string ask(const std::string& method, const std::string& target, const std::string& body = {},
                  const std::string& project = "lms") {
    auto pair = make_socket_pair(SOCK_STREAM);
    Service service(roots_, ServerOptions{.project = project});
    {
      http::Connection connection(std::move(pair->second));
      std::string text = method + " " + target + " HTTP/1.1\r\nHost: d\r\n";
      if (!body.empty())
        text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
      EXPECT_TRUE(write_full(pair->first.get(), text + "\r\n" + body));
      auto parsed = connection.next();
      EXPECT_TRUE(parsed && *parsed && answer(service, connection, **parsed));
    }
    return read_all(pair->first.get(), 1 << 20).value_or("");
  }

  // host: the content of HostConfig.
  std::string create(const std::string& host, const std::string& more = {}) {
    return ask("POST", "/containers/create",
               R"({"Image":"x","Labels":{"com.docker.compose.project":"lms"},"HostConfig":{"NetworkMode":"none")" +
                   (host.empty() ? "" : "," + host) + "}" + more + "}");
  }

  LimitsTest() {
    std::string pattern = "/tmp/consort-limits-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    roots_ = {.data = directory_ + "/data", .run = directory_ + "/run"};
  }
  ~LimitsTest() override { std::filesystem::remove_all(directory_); }

  std::string directory_;
  Roots roots_;
};

// The request has passed every check, up to the image, which does not exist.
const auto let_through = AllOf(StartsWith("HTTP/1.1 404"), HasSubstr("No such image: x:latest"));
const auto refused = AllOf(StartsWith("HTTP/1.1 403"), HasSubstr("this socket is for project lms only"));

TEST_F(LimitsTest, NothingOfAContainerReachesBeyondIt) {
  EXPECT_THAT(create(""), let_through);
  EXPECT_THAT(create(R"("Memory":1000000,"ReadonlyRootfs":true,"Binds":["lms_data:/d"],"Privileged":false,"CapAdd":[],
      "PortBindings":{"80/tcp":[{"HostPort":"8080"}]},"SecurityOpt":["no-new-privileges"],"MaskedPaths":null)"),
              let_through);
  EXPECT_THAT(create(R"("Mounts":[{"Type":"volume","Source":"lms_d","Target":"/e","VolumeOptions":{"Subpath":"s"}}])"),
              let_through);
  for (const char* host :
       {R"("Privileged":true)",
        R"("Binds":["/:/host"])",
        R"("Binds":["other_data:/d"])",
        R"("CapAdd":["SYS_ADMIN"])",
        R"("Mounts":[{"Type":"bind","Source":"/etc","Target":"/e"}])",
        R"("Devices":[{"PathOnHost":"/dev/sda"}])",
        R"("Mounts":[{"Type":"volume","Target":"/e","VolumeOptions":{"DriverConfig":{"Options":{"device":"/"}}}}])",
        R"("PidMode":"host")",
        R"("IpcMode":"host")",
        R"("UTSMode":"host")",
        R"("UsernsMode":"host")",
        R"("CgroupnsMode":"host")",
        R"("PidMode":"container:other")",
        R"("VolumesFrom":["other"])",
        R"("Links":["other:o"])",
        R"("SecurityOpt":["seccomp=unconfined"])",
        R"("MaskedPaths":[])",
        R"("ReadonlyPaths":[])",
        R"("CgroupParent":"/x")",
        R"("DeviceCgroupRules":["a *:* rwm"])",
        R"("Runtime":"/tmp/evil")",
        R"("OomScoreAdj":-900)",
        R"("Annotations":{"a":"b"})",
        R"("LogConfig":{"Type":"syslog","Config":{"syslog-address":"tcp://127.0.0.1:22"}})",
        R"("PortBindings":{"80/tcp":[{"HostPort":"22"}]})",
        R"("SomethingNew":true)",
        R"("NetworkMode":"host")",
        R"("NetworkMode":"bridge")",
        R"("NetworkMode":"container:other")",
        R"("VolumeDriver":"sshfs","Binds":["a:/d"])"})
    EXPECT_THAT(create(host), AnyOf(refused, StartsWith("HTTP/1.1 400"))) << host;
  EXPECT_THAT(create(R"("Privileged":true)"), refused);
  EXPECT_THAT(ask("POST", "/containers/create", R"({"Image":"x","Labels":{"com.docker.compose.project":"other"}})"),
              refused);
}

// Otherwise a project could not start, because another has its container's name.
TEST_F(LimitsTest, ContainersHaveNamesOfTheProject) {
  const auto named = [&](const std::string& name) {
    return ask("POST", "/containers/create?name=" + name,
               R"({"Image":"x","Labels":{"com.docker.compose.project":"lms"},"HostConfig":{"NetworkMode":"none"}})");
  };
  for (const char* name : {"", "lms-web-1", "/lms_postgres", "0123456789ab_lms-web-1"})
    EXPECT_THAT(named(name), let_through) << name;
  for (const char* name : {"other-web-1", "/web", "lmsweb", "0123456789ab_web", "0123456789ab"})
    EXPECT_THAT(named(name), refused) << name;
  auto pair = make_socket_pair(SOCK_STREAM);
  Service service(roots_, ServerOptions{.project = "lms"});
  http::Connection connection(std::move(pair->second));
  Call call(service, connection, http::Request{});
  EXPECT_TRUE(keep_name_to_project(call, "web", "0123456789ab_web"));  // was the project's until just now
  EXPECT_FALSE(keep_name_to_project(call, "web", "lms-web-1"));
}

TEST_F(LimitsTest, LargeBodiesAreNotReadAllAtOnce) {
  Service service(roots_, ServerOptions{});
  const auto create_of = [&](std::size_t size) {
    auto pair = make_socket_pair(SOCK_STREAM);
    http::Connection connection(std::move(pair->second));
    EXPECT_TRUE(write_full(pair->first.get(),
                           "POST /containers/create HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: " +
                               std::to_string(size) + "\r\n\r\n{" + std::string(size - 2, ' ') + "}"));
    auto parsed = connection.next();
    EXPECT_TRUE(parsed && *parsed && answer(service, connection, **parsed));
    connection = http::Connection(Fd());
    return read_all(pair->first.get(), 1 << 20).value_or("");
  };
  constexpr std::size_t small = std::size_t{32} << 10, large = small + 1;
  constexpr std::size_t all = std::size_t{16} << 20;
  ASSERT_TRUE(service.take_body_room(all));
  EXPECT_FALSE(service.take_body_room(1));
  EXPECT_THAT(create_of(large), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(create_of(small), HasSubstr("config cannot be empty"));  // large bodies of others do not count
  service.give_body_room(1);
  EXPECT_THAT(create_of(large), HasSubstr("config cannot be empty"));
  EXPECT_THAT(create_of(large + 1), StartsWith("HTTP/1.1 503"));
  service.give_body_room(all - 1);
  EXPECT_TRUE(service.take_body_room(all));  // all of its memory has been returned
}

TEST_F(LimitsTest, ContainersAreOnNetworksOfTheProject) {
  if (const std::string reason = consort::test::why_no_firewall(); !reason.empty()) GTEST_SKIP() << reason;
  const auto made = [&](const char* name, const char* project) {
    return ask(
        "POST", "/networks/create",
        R"({"Name":")" + std::string(name) + R"(","Labels":{"com.docker.compose.project":")" + project + R"("}})",
        project);
  };
  EXPECT_THAT(made("lms_default", "lms"), StartsWith("HTTP/1.1 201"));
  EXPECT_THAT(made("other_default", "other"), StartsWith("HTTP/1.1 201"));
  const auto on = [&](const std::string& network) {
    return create("", R"(,"NetworkingConfig":{"EndpointsConfig":{")" + network + R"(":{}}})");
  };
  // NetworkMode "none" takes precedence over the list.
  EXPECT_THAT(on("lms_default"), let_through);
  const auto mode = [&](const std::string& network) { return create(R"("NetworkMode":")" + network + '"'); };
  EXPECT_THAT(mode("lms_default"), let_through);
  EXPECT_THAT(mode("other_default"), AllOf(refused, HasSubstr("it has no network other_default")));
  EXPECT_THAT(mode("other_missing"), AllOf(refused, HasSubstr("it has no network other_missing")));
  EXPECT_THAT(ask("GET", "/networks"), AllOf(HasSubstr("lms_default"), Not(HasSubstr("other_default"))));
  EXPECT_THAT(ask("DELETE", "/networks/other_default"), StartsWith("HTTP/1.1 404"));
  for (const char* body :
       {R"({"Name":"other_x"})", R"({"Name":"lms_x","Driver":"macvlan","Options":{"parent":"eth0"}})",
        R"({"Name":"lms_x","Options":{"com.docker.network.bridge.name":"br0"}})",
        R"({"Name":"lms_x","IPAM":{"Config":[{"Subnet":"0.0.0.0/1"}]}})"})
    EXPECT_THAT(ask("POST", "/networks/create", body), refused) << body;
}

TEST_F(LimitsTest, VolumesAreTheProjects) {
  EXPECT_THAT(ask("POST", "/volumes/create", R"({"Name":"other_data"})", "other"), StartsWith("HTTP/1.1 201"));
  EXPECT_THAT(ask("POST", "/volumes/create", R"({"Name":"lms_data"})"), StartsWith("HTTP/1.1 201"));
  EXPECT_THAT(ask("GET", "/volumes"), AllOf(HasSubstr("lms_data"), Not(HasSubstr("other_data"))));
  EXPECT_THAT(create(R"("Binds":["other_data:/d"])"), refused);
  EXPECT_THAT(ask("DELETE", "/volumes/other_data"), StartsWith("HTTP/1.1 404"));
  for (const char* body : {R"({"Name":"other_new"})", R"({"Name":"other_data"})",
                           R"({"Name":"lms_x","DriverOpts":{"type":"none","o":"bind","device":"/"}})"})
    EXPECT_THAT(ask("POST", "/volumes/create", body), refused) << body;
}

TEST_F(LimitsTest, ImagesBuildsAndRegistriesAreTheMachines) {
  for (const auto& [method, target] :
       {std::pair("POST", "/images/create?fromImage=x"), std::pair("POST", "/build"), std::pair("DELETE", "/images/x"),
        std::pair("POST", "/images/x/tag?repo=y"), std::pair("GET", "/images/x/get"), std::pair("POST", "/images/load"),
        std::pair("POST", "/commit?container=x"), std::pair("POST", "/auth"), std::pair("GET", "/distribution/x/json"),
        std::pair("POST", "/grpc"), std::pair("POST", "/session"), std::pair("POST", "/images/prune"),
        std::pair("POST", "/build/prune"), std::pair("GET", "/images/search?term=x")})
    EXPECT_THAT(ask(method, target), refused) << target;
  EXPECT_THAT(ask("GET", "/_ping"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ask("GET", "/info"), HasSubstr(R"("Images":0,)"));
  EXPECT_THAT(ask("GET", "/images/x/json"), StartsWith("HTTP/1.1 404"));
}

}  // namespace
