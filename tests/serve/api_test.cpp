// The router and the content of requests, without an engine: answers as clients see them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <limits>
#include <thread>

#include "base/url.hpp"
#include "serve/api/containers/container_shape.hpp"
#include "serve/api/containers/container_spec.hpp"
#include "serve/api/containers/hijack.hpp"
#include "serve/api/containers/known_keys.hpp"
#include "serve/api/filters.hpp"
#include "serve/api/moments.hpp"
#include "serve/api/router.hpp"
#include "serve/api/service.hpp"
#include "serve/api/shapes.hpp"
#include "serve/server.hpp"

using namespace consort;         // NOLINT: a test
using namespace consort::serve;  // NOLINT

namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string ask(const std::string& request, ServerOptions options = {}) {
  auto pair = make_socket_pair(SOCK_STREAM);
  Service service(Roots{.data = "/nowhere/data", .run = "/nowhere/run"}, std::move(options));
  {
    http::Connection connection(std::move(pair->second));
    EXPECT_TRUE(write_full(pair->first.get(), request));
    auto parsed = connection.next();
    EXPECT_TRUE(parsed && *parsed);
    EXPECT_TRUE(answer(service, connection, **parsed));
  }
  return read_all(pair->first.get(), 1 << 20).value_or("");
}

std::string get(const std::string& target, ServerOptions options = {}) {
  return ask("GET " + target + " HTTP/1.1\r\nHost: d\r\n\r\n", std::move(options));
}

TEST(Router, VersionsAreNegotiated) {
  EXPECT_THAT(get("/_ping"), testing::AllOf(HasSubstr("Api-Version: 1.51"), HasSubstr("\r\n\r\nOK")));
  EXPECT_THAT(get("/v1.24/_ping"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get("/v1.23/_ping"),
              testing::AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("client version 1.23 is too old")));
  EXPECT_THAT(get("/v1.52/_ping"),
              HasSubstr(R"({"message":"client version 1.52 is too new. Maximum supported API version is 1.51"})"));
  const std::string head = ask("HEAD /_ping HTTP/1.1\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Length: 0\r\n"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST(Router, UnknownPathsAndUncleanOnes) {
  EXPECT_THAT(get("/v1.51/nosuch"),
              testing::AllOf(StartsWith("HTTP/1.1 404"), HasSubstr(R"({"message":"page not found"})")));
  EXPECT_THAT(ask("PUT /v1.51/containers/json HTTP/1.1\r\n\r\n"), HasSubstr("page not found"));
  // A body in the answer to HEAD would be taken for the next answer.
  const std::string head = ask("HEAD /v1.51/events HTTP/1.1\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 404"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  EXPECT_THAT(get("/v1.51/containers//x/json"),
              testing::AllOf(StartsWith("HTTP/1.1 301"), HasSubstr("Location: /v1.51/containers/x/json")));
  EXPECT_THAT(get("/v1.51/swarm"), StartsWith("HTTP/1.1 503"));
}

TEST(Router, ReadOnlySocketsLetNothingChange) {
  const ServerOptions options{.read_only = true};
  EXPECT_THAT(get("/version", options), StartsWith("HTTP/1.1 200"));
  for (const char* request :
       {"POST /containers/x/stop", "DELETE /containers/x", "POST /v1.51/containers/create", "POST /containers/x/exec",
        "POST /containers/x/attach", "POST /exec/x/start", "POST /images/x/tag"})
    EXPECT_THAT(ask(std::string(request) + " HTTP/1.1\r\n\r\n", options), StartsWith("HTTP/1.1 403")) << request;
}

TEST(Router, BodiesAreChecked) {
  const auto create = [](const std::string& headers, const std::string& body) {
    return ask("POST /v1.51/containers/create HTTP/1.1\r\n" + headers +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  const std::string json = "Content-Type: application/json\r\n";
  EXPECT_THAT(create("", ""), HasSubstr("invalid JSON: got EOF while reading request body"));
  EXPECT_THAT(create("Content-Type: text/plain\r\n", "{}"), HasSubstr("must be 'application/json'"));
  EXPECT_THAT(create(json, "{bad"), testing::AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("invalid JSON")));
  EXPECT_THAT(create(json, "{}"), HasSubstr("config cannot be empty in order to create a container"));
  const std::string image = R"({"Image":"x"})";
  EXPECT_THAT(ask("POST /containers/create?name=/ HTTP/1.1\r\n" + json +
                  "Content-Length: " + std::to_string(image.size()) + "\r\n\r\n" + image),
              testing::AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("Invalid container name (/), only [a-zA-Z0-9]")));
}

// Values that Docker refuses must not be ignored: a limit that is given as text would be no limit.
TEST(Router, ValuesOfAnotherKindAreRefused) {
  const auto post = [](const std::string& target, const std::string& body) {
    return ask("POST " + target + " HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  for (const char* wrong :
       {R"("HostConfig":{"Memory":"512m"})", R"("HostConfig":{"Binds":"/a:/b"})", R"("HostConfig":{"Privileged":1})",
        R"("HostConfig":{"LogConfig":"x"})", R"("HostConfig":{"RestartPolicy":{"Name":1}})", R"("HostConfig":"x")",
        R"("Env":"A=b")", R"("Labels":[])", R"("StopTimeout":"9")", R"("Healthcheck":{"Retries":"3"})",
        R"("StopTimeout":18446744073709551615)", R"("NetworkingConfig":{"EndpointsConfig":"x"})",
        R"("NetworkingConfig":{"EndpointsConfig":[]})", R"("NetworkingConfig":{"EndpointsConfig":{"n":"x"}})",
        R"("NetworkingConfig":{"EndpointsConfig":{"m":null,"n":{"MacAddress":1}}})",
        R"("NetworkingConfig":{"EndpointsConfig":{"n":{"IPAMConfig":{"IPv4Address":1}}}})",
        R"("NetworkingConfig":{"EndpointsConfig":{"n":{"Aliases":"a"}}})"})
    EXPECT_THAT(post("/containers/create", std::string(R"({"Image":"x",)") + wrong + "}"),
                testing::AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("invalid JSON: cannot unmarshal ")))
        << wrong;
  EXPECT_THAT(post("/containers/create", R"({"Image":"x","HostConfig":{"Memory":"512m"}})"),
              HasSubstr("cannot unmarshal string into HostConfig.Memory of type int64"));
  EXPECT_THAT(post("/containers/create", R"({"Image":"x","Healthcheck":{"Retries":-1}})"),
              HasSubstr("Retries in Healthcheck cannot be negative"));
  for (const auto& [target, body] :
       {std::pair("/networks/create", R"({"Name":1})"), std::pair("/networks/create", R"({"Name":"n","IPAM":"x"})"),
        std::pair("/networks/n/connect", R"({"Container":"c","EndpointConfig":{"Aliases":"a"}})"),
        std::pair("/volumes/create", R"({"Labels":[]})"), std::pair("/containers/x/update", R"({"Memory":"x"})"),
        std::pair("/containers/x/exec", R"({"Cmd":"ls"})")})
    EXPECT_THAT(post(target, body), StartsWith("HTTP/1.1 400")) << target;
}

TEST(Router, WrongQueriesAreRefused) {
  EXPECT_THAT(get("/events?since=5&until=1"), HasSubstr("`since` time (5) cannot be after `until` time (1)"));
  EXPECT_THAT(ask("POST /build/prune?filters=x HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(
      ask("POST /build/prune?keep-storage=x HTTP/1.1\r\n\r\n"),
      HasSubstr(R"(keep-storage is in bytes and expects an integer, got x: strconv.Atoi: parsing \"x\": invalid)"));
  // Older versions of the API ignore the sizes of newer ones.
  const std::string nothing = "x&filters=" + url_encode(R"({"id":["nosuch"]})") + " HTTP/1.1\r\n\r\n";
  for (const char* key : {"reserved-space", "max-used-space", "min-free-space"})
    for (const auto& [version, status] : {std::pair("/v1.48", "400"), std::pair("/v1.47", "200")})
      EXPECT_THAT(ask(std::string("POST ") + version + "/build/prune?" + key + "=" + nothing),
                  StartsWith(std::string("HTTP/1.1 ") + status))
          << key << version;
}

// "docker system prune" sends its filters to every prune. A prune that does not understand a filter must not remove
// more.
TEST(Router, FiltersOfPrunesAreChecked) {
  const auto prune = [](const std::string& target, const std::string& filters) {
    return ask("POST /" + target + "/prune?filters=" + url_encode(filters) + " HTTP/1.1\r\n\r\n");
  };
  for (const auto& [filters, words] :
       {std::pair(R"({"until":["soon"]})",
                  R"(\"until\" filter expects a duration (e.g., '24h') or a timestamp: failed to parse value)"),
        std::pair(R"({"unused-for":["-5"]})", R"(\"unused-for\" filter expects)"),
        std::pair(R"({"until":["1h"],"unused-for":["1h"]})", R"(conflicting filters: \"until\" and \"unused-for\")"),
        std::pair(R"({"until":["1h","2h"]})", "filters expect only one value"),
        std::pair(R"({"id":["a","b"]})", "filters expect only one value")})
    EXPECT_THAT(prune("build", filters), testing::AllOf(StartsWith("HTTP/1.1 400"), HasSubstr(words))) << filters;
  for (const char* key : {"nosuch", "dangling", "all", "mutable"})
    EXPECT_THAT(prune("build", std::string(R"({")") + key + R"(":["true"]})"),
                HasSubstr(std::string("failed to prune build cache: invalid filter '") + key + "'"));
  // Labels are meant for the other prunes, and nothing that was not selected may be removed.
  EXPECT_THAT(prune("build", R"({"label":["a"],"id":["abc"]})"),
              testing::AllOf(StartsWith("HTTP/1.1 200"), HasSubstr(R"({"CachesDeleted":null,"SpaceReclaimed":0})")));
  for (const char* kind : {"containers", "networks", "images"})
    for (const char* until : {R"({"until":["soon"]})", R"({"until":["-5"]})", R"({"until":["1h","2h"]})"})
      EXPECT_THAT(prune(kind, until), StartsWith("HTTP/1.1 400")) << kind << until;
}

// They count as no filter for that key, except where they say what to do.
TEST(Filters, EmptyLists) {
  const auto list = [](const std::string& target, const std::string& filters) {
    return get("/" + target + "?filters=" + url_encode(filters));
  };
  for (const char* none : {"[]", "{}"})
    EXPECT_THAT(list("volumes", std::string(R"({"dangling":)") + none + "}"),
                testing::AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("invalid filter 'dangling'")))
        << none;
  for (const char* kind : {"containers", "networks", "images"})
    EXPECT_THAT(
        ask(std::string("POST /") + kind + "/prune?filters=" + url_encode(R"({"until":[]})") + " HTTP/1.1\r\n\r\n"),
        testing::AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("invalid filter 'until'")))
        << kind;
  constexpr std::string_view known[] = {"name", "dangling"};
  const auto filters = Filters::parse(R"({"name":[],"dangling":{}})", known);
  ASSERT_TRUE(filters);
  EXPECT_TRUE(filters->is_empty_list("name"));
  EXPECT_FALSE(filters->has("name"));
  EXPECT_TRUE(filters->pattern("name", "anything"));
  EXPECT_FALSE(filters->boolean("dangling"));
}

TEST(Filters, BothForms) {
  constexpr std::string_view known[] = {"label", "name"};
  for (const char* text :
       {R"({"label":{"a=b":true},"name":{"^/?web$":true}})", R"({"label":["a=b"],"name":["^/?web$"]})"}) {
    const auto filters = Filters::parse(text, known);
    ASSERT_TRUE(filters);
    EXPECT_TRUE(filters->labels({{"a", "b"}, {"c", "d"}}));
    EXPECT_FALSE(filters->labels({{"a", "x"}}));
    EXPECT_TRUE(filters->pattern("name", "web"));
    EXPECT_FALSE(filters->pattern("name", "web2"));
    EXPECT_TRUE(filters->exact("status", "anything"));
  }
  EXPECT_EQ(Filters::parse(R"({"nosuch":["x"]})", known).error().message(), "invalid filter 'nosuch'");
  for (const char* text : {"notjson", "[]", R"({"label":"x"})", R"({"label":[1]})", R"({"label":{"a":"b"}})"})
    EXPECT_EQ(Filters::parse(text, known).error().message(), "invalid filter") << text;
}

// A client sends the terminal's first size before the process exists.
TEST(Exec, WhoWantsTheProcessWaitsForItsStart) {
  ExecInstance instance("container", "", {}, "");
  EXPECT_EQ(instance.exec(std::chrono::milliseconds(1)), nullptr);
  std::jthread start([&] { instance.failed(126); });
  EXPECT_EQ(instance.exec(std::chrono::hours(1)), nullptr);
  EXPECT_EQ(instance.state().exit_code, 126);
}

TEST(Detach, KeysMayComeInPieces) {
  auto keys = DetachKeys::parse("");
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->feed("a\x10").text, "a");  // held back until the next key decides
  EXPECT_EQ(keys->feed("b").text,
            "\x10"
            "b");
  EXPECT_EQ(keys->feed("\x10").text, "");
  EXPECT_TRUE(keys->feed("\x11").detached);
  EXPECT_FALSE(DetachKeys::parse("ctrl-pp"));
  EXPECT_TRUE(DetachKeys::parse("a,ctrl-],b"));
}

TEST(Detach, FramesHaveTheirLengthInFront) {
  EXPECT_EQ(frame_head(StreamKind::err, 0x01020304), std::string("\x02\0\0\0\x01\x02\x03\x04", 8));
}

TEST(Moments, AsClientsWriteThem) {
  EXPECT_EQ(parse_moment("since", "1795928503.453").value()->time_since_epoch(), Nanoseconds(1795928503453000000));
  EXPECT_EQ(parse_moment("since", "0").value(), std::nullopt);
  EXPECT_TRUE(parse_moment("since", "10m").value());
  EXPECT_TRUE(parse_moment("since", "2026-11-29T05:11:05Z").value());
  EXPECT_FALSE(parse_moment("since", "soon"));
  EXPECT_EQ(go_time(std::nullopt), "0001-01-01T00:00:00Z");
  EXPECT_EQ(go_time(SystemTime(Nanoseconds(1500000000))), "1970-01-01T00:00:01.5Z");
}

engine::ContainerSpec spec_of(const char* body) {
  auto spec = container_spec(parse_json(body, "test").value());
  EXPECT_TRUE(spec) << spec.error().message();
  return spec ? std::move(*spec) : engine::ContainerSpec{};
}

// docker-py sends null for unset values, and a NetworkingConfig without EndpointsConfig.
TEST(Create, NullsAreNothing) {
  const auto spec = spec_of(R"({"Image":"x","Cmd":null,"Entrypoint":null,"Env":null,"Labels":null,"ExposedPorts":null,
    "Volumes":null,"HostConfig":{"Binds":null,"PortBindings":null,"CapAdd":null,"NetworkMode":"default","MemorySwappiness":-1,
    "PidsLimit":0,"ShmSize":0},"NetworkingConfig":{"bridge":null}})");
  EXPECT_FALSE(spec.command || spec.entrypoint || spec.resources.memory_swappiness || spec.resources.pids_limit ||
               spec.shm_size);
  ASSERT_EQ(spec.networks.size(), 1U);
  EXPECT_EQ(spec.networks[0].network, "bridge");
  EXPECT_EQ(spec.project, loose_project);
}

// In nanoseconds it would overflow to a negative value, which means waiting forever.
TEST(Create, ALongTimeToStopIsLong) {
  for (const char* body :
       {R"({"Image":"x","StopTimeout":9300000000})", R"({"Image":"x","StopTimeout":18446744073709551615})"})
    EXPECT_EQ(spec_of(body).stop_timeout, std::chrono::seconds(2147483647)) << body;
}

TEST(Idle, NoLongerThanPollCanCount) {
  EXPECT_EQ(poll_milliseconds(std::chrono::seconds(60)), 60'000);
  for (const std::int64_t longer :
       {std::int64_t{4'294'968}, std::int64_t{2'592'000}, std::numeric_limits<std::int64_t>::max()})
    EXPECT_EQ(poll_milliseconds(std::chrono::seconds(longer)), std::numeric_limits<int>::max()) << longer;
}

TEST(Create, WhatComposeMakesBelongsToItsProject) {
  const auto spec =
      spec_of(R"({"Image":"x","Labels":{"com.docker.compose.project":"lms","com.docker.compose.service":"db",
    "com.docker.compose.container-number":"2","com.docker.compose.oneoff":"False"},"HostConfig":{"NetworkMode":"lms_default",
    "Binds":["lms_data:/var/lib/data:rw","/etc/x:/x:ro"],"PortBindings":{"5432/tcp":[{"HostIp":"","HostPort":"5432"}],"53/udp":null}},
    "NetworkingConfig":{"EndpointsConfig":{"lms_back":{},"lms_default":{"Aliases":["lms-db-2","db"],"IPAMConfig":{"IPv4Address":"10.1.0.9"}}}}})");
  EXPECT_EQ(spec.project, "lms");
  EXPECT_EQ(spec.service, "db");
  EXPECT_EQ(spec.number, 2U);
  EXPECT_FALSE(spec.oneoff);
  ASSERT_EQ(spec.networks.size(), 2U);
  EXPECT_GT(spec.networks[1].priority, spec.networks[0].priority);  // the network of the mode comes first
  EXPECT_EQ(spec.networks[1].ipv4, "10.1.0.9");
  ASSERT_EQ(spec.mounts.size(), 2U);
  EXPECT_EQ(spec.mounts[0].type, engine::MountType::volume);
  EXPECT_TRUE(spec.mounts[1].create_host_path && spec.mounts[1].read_only);
  ASSERT_EQ(spec.ports.size(), 2U);
  EXPECT_EQ(spec.ports[0].host_port, 5432);
  EXPECT_EQ(spec.ports[1].host_port, 0);
}

// A name of a project becomes the name of a directory.
TEST(Create, NobodyPutsAPathIntoTheName) {
  EXPECT_EQ(spec_of(R"({"Image":"x","Labels":{"com.docker.compose.project":"../../etc"}})").project, loose_project);
}

// inspect returns it to clients that parse it by type.
TEST(Create, OnlyWhatDockerKnowsIsSaidAgain) {
  const Json said = parse_json(R"({"Memory":5,"CpusetCpus":7,"Privileged":true,"Evil":[1],"Binds":["a:/b"],"CapAdd":[5],
    "Sysctls":{"a":"b","c":null},"Tmpfs":{"/t":1},"RestartPolicy":{"Name":"always"},"Init":null,"Dns":[null,"1.1.1.1",null],
    "PortBindings":{"80/tcp":null}})",
                               "test")
                        .value();
  EXPECT_EQ(known_host_config(said), parse_json(R"({"Binds":["a:/b"],"Dns":["1.1.1.1"],"Memory":5,
    "PortBindings":{"80/tcp":null},"Privileged":true,"RestartPolicy":{"Name":"always"},"Sysctls":{"a":"b"}})",
                                                "test")
                                         .value());
  EXPECT_EQ(known_update(said), parse_json(R"({"Memory":5,"RestartPolicy":{"Name":"always"}})", "test").value());
}

TEST(List, BindsHaveTheirPropagation) {
  engine::Container container;
  container.mounts = {{.type = engine::MountType::bind, .target = "/a"},
                      {.type = engine::MountType::bind, .target = "/b", .propagation = "rslave"},
                      {.type = engine::MountType::volume, .target = "/c"}};
  std::vector<std::string> propagations;
  const Json listed = listed_container(container, {});
  for (const Json& mount : listed["Mounts"]) propagations.push_back(get_string(mount, "Propagation"));
  EXPECT_THAT(propagations, testing::ElementsAre("rprivate", "rslave", ""));
}

TEST(Create, WrongMountsAreRefused) {
  const auto refused = [](const std::string& host) {
    auto spec = container_spec(parse_json(R"({"Image":"x","HostConfig":)" + host + "}", "test").value());
    return spec ? std::string() : spec.error().message();
  };
  EXPECT_THAT(refused(R"({"Binds":["./x:/y"]})"), HasSubstr("includes invalid characters for a local volume name"));
  EXPECT_THAT(refused(R"({"Binds":["aa:/x","bb:/x/"]})"), HasSubstr("Duplicate mount point: /x"));
  EXPECT_THAT(refused(R"({"Mounts":[{"Type":"bind","Target":"/x"}]})"), HasSubstr("field Source must not be empty"));
  EXPECT_THAT(refused(R"({"Mounts":[{"Type":"nosuch","Target":"/x"}]})"), HasSubstr("mount type unknown"));
  EXPECT_THAT(refused(R"({"RestartPolicy":{"Name":"sometimes"}})"), HasSubstr("unknown policy 'sometimes'"));
  EXPECT_THAT(refused(R"({"PortBindings":{"x/tcp":[]}})"), HasSubstr("invalid port specification"));
}

}  // namespace
