// What a socket for a single project shows and allows where there are containers of its own and of other projects.
#include <sys/socket.h>

#include "../engine/fixture.hpp"
#include "base/os/fd.hpp"
#include "engine/images.hpp"
#include "serve/api/limits.hpp"
#include "serve/api/router.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// {"KEY":["VALUE"]}
std::string filter(const std::string& key, const std::string& value) {
  return "filters=%7B%22" + key + "%22:%5B%22" + value + "%22%5D%7D";
}

class ProjectSocketTest : public engine::EngineTest {
 protected:
  std::string ask(std::string_view method, const std::string& target, const std::string& body = {}) {
    auto pair = make_socket_pair(SOCK_STREAM);
    Service service(roots(), ServerOptions{.project = project_});
    {
      http::Connection connection(std::move(pair->second));
      std::string text = std::string(method) + " " + target + " HTTP/1.1\r\nHost: d\r\n";
      if (!body.empty())
        text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
      EXPECT_TRUE(write_full(pair->first.get(), text + "\r\n" + body));
      auto parsed = connection.next();
      EXPECT_TRUE(parsed && *parsed && answer(service, connection, **parsed));
    }
    return read_all(pair->first.get(), 1 << 20).value_or("");
  }
  std::string get(const std::string& target) { return ask("GET", target); }
  // with: gets a call on the socket.
  void on_socket(const std::function<void(Call&)>& with) {
    auto pair = make_socket_pair(SOCK_STREAM);
    Service service(roots(), ServerOptions{.project = project_});
    http::Connection connection(std::move(pair->second));
    const http::Request request;
    Call call(service, connection, request);
    with(call);
  }
  // Creates a container of another project.
  std::string stranger(const std::string& name) {
    engine::ContainerSpec spec = probe({"true"});
    spec.project = "other";
    spec.name = name;
    return create(spec);
  }
};

// "db", "cafe" and "feed" are also prefixes of ids, and names that other projects may want to use.
TEST_F(ProjectSocketTest, TheBeginningOfAnIdIsNotAName) {
  engine::ContainerSpec spec = probe({"true"});
  spec.name = "of-" + project_;  // the form of container_name
  const std::string id = create(spec);
  on_socket([&](Call& call) {
    EXPECT_TRUE(keep_name_to_project(call, "0123456789ab_" + spec.name, ""));
    for (const std::size_t length : {4, 12, 64})
      EXPECT_FALSE(keep_name_to_project(call, "0123456789ab_" + id.substr(0, length), "")) << length;
  });
}

// A moment later, the name may refer to another container.
TEST_F(ProjectSocketTest, WhatIsSharedWithAContainerIsSharedWithTheOneThatWasLookedAt) {
  const engine::ContainerSpec own = probe({"true"});
  const std::string id = create(own);
  const std::string other = stranger("other-web-1");
  on_socket([&](Call& call) {
    engine::ContainerSpec spec = probe({"true"});
    spec.name = project_ + "-web-1";
    spec.network_mode = spec.pid_mode = "container:" + own.name;
    spec.ipc_mode = "container:" + id.substr(0, 12);
    spec.volumes_from = {own.name + ":ro", own.name};
    ASSERT_TRUE(keep_to_project(call, Json::object(), spec));
    for (const std::string& mode : {spec.network_mode, spec.pid_mode, spec.ipc_mode})
      EXPECT_EQ(mode, "container:" + id);
    EXPECT_THAT(spec.volumes_from, testing::ElementsAre(id + ":ro", id));
    for (const std::string& name : {std::string("other-web-1"), other, other.substr(0, 12)}) {
      spec.volumes_from = {name};
      EXPECT_FALSE(keep_to_project(call, Json::object(), spec)) << name;
    }
  });
}

TEST_F(ProjectSocketTest, NothingTellsWhatOthersHave) {
  stranger("other-web-1");
  const auto since = [&](const std::string& name) { return get("/containers/json?" + filter("since", name)); };
  EXPECT_THAT(since("other-web-1"), AllOf(StartsWith("HTTP/1.1 404"), HasSubstr("No such container: other-web-1")));
  EXPECT_THAT(since("other-web-2"), AllOf(StartsWith("HTTP/1.1 404"), HasSubstr("No such container: other-web-2")));
  ASSERT_TRUE(engine().images().tag(image_name, image::Reference::parse("hidden:latest").value()));
  for (const char* name : {"hidden", "missing"}) {
    const std::string told = std::string("No such image: ") + name + ":latest";
    EXPECT_THAT(get(std::string("/images/") + name + "/json"), AllOf(StartsWith("HTTP/1.1 404"), HasSubstr(told)));
    EXPECT_THAT(get("/images/json?" + filter("before", name)), AllOf(StartsWith("HTTP/1.1 404"), HasSubstr(told)));
  }
}

// "/containers/{id}/json" for an object.
std::string target_of(std::string_view pattern, const std::string& thing) {
  std::string target(pattern);
  const std::size_t begin = target.find('{');
  return target.replace(begin, target.find('}') - begin + 1, thing);
}

// Tests every route of the API.
TEST_F(ProjectSocketTest, NoRouteAnswersForWhatOthersHave) {
  const std::string container = stranger("other-web-1");
  const std::string network = engine().create_network({.name = "o" + project_, .project = "other"}).value().id;
  ASSERT_TRUE(engine().create_volume({.name = "other_data"}));
  ASSERT_TRUE(engine().images().tag(image_name, image::Reference::parse("hidden:latest").value()));
  const std::string words =
      "?path=/&stdout=1&stderr=1&follow=0&stream=0&name=" + project_ + "-x&h=1&w=1&condition=not-running";
  const std::string body = R"({"Container":")" + container + R"(","Cmd":["true"],"Memory":10000000})";
  for (const std::span<const Route> table : all_routes())
    for (const Route& route : table) {
      if (!route.pattern.contains('{')) continue;
      for (const std::string& thing : {container, std::string("other-web-1"), network, "o" + project_,
                                       std::string("other_data"), std::string("hidden")}) {
        const std::string target = target_of(route.pattern, thing) + words;
        const std::string told = ask(route.method, target, route.method == "POST" ? body : "");
        EXPECT_THAT(told, AnyOf(StartsWith("HTTP/1.1 4"), StartsWith("HTTP/1.1 5"))) << route.method << target;
      }
    }
  EXPECT_EQ(engine().inspect("other-web-1")->id, container);
  EXPECT_EQ(engine().inspect("other-web-1")->state.status, engine::Status::created);
  EXPECT_TRUE(engine().inspect_network(network));
  EXPECT_TRUE(engine().inspect_volume("other_data"));
  EXPECT_TRUE(engine().images().find("hidden:latest"));
  // Through names in bodies and queries.
  const std::string own = project_ + "_net";
  ASSERT_THAT(ask("POST", "/networks/create", R"({"Name":")" + own + "\"}"), StartsWith("HTTP/1.1 201"));
  for (const char* verb : {"connect", "disconnect"})
    EXPECT_THAT(ask("POST", "/networks/" + own + "/" + verb, body), StartsWith("HTTP/1.1 404")) << verb;
  for (const char* kind : {"containers", "networks", "volumes"})
    EXPECT_THAT(ask("POST", std::string("/v1.41/") + kind + "/prune"), StartsWith("HTTP/1.1 200")) << kind;
  EXPECT_TRUE(engine().inspect("other-web-1"));
  EXPECT_TRUE(engine().inspect_network(network));
  EXPECT_TRUE(engine().inspect_volume("other_data"));
  for (const char* listing : {"/containers/json?all=1", "/networks", "/volumes", "/images/json", "/system/df"})
    EXPECT_THAT(get(listing), Not(AnyOf(HasSubstr("other-web-1"), HasSubstr("\"o" + project_), HasSubstr("other_data"),
                                        HasSubstr("hidden"))))
        << listing;
}

}  // namespace
}  // namespace consort::serve
