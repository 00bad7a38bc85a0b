// What a socket that is limited to a project shows and lets through where there are containers, its own and others.
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
using testing::HasSubstr;
using testing::StartsWith;

// {"KEY":["VALUE"]}
std::string filter(const std::string& key, const std::string& value) {
  return "filters=%7B%22" + key + "%22:%5B%22" + value + "%22%5D%7D";
}

class ProjectSocketTest : public engine::EngineTest {
 protected:
  std::string get(const std::string& target) {
    auto pair = make_socket_pair(SOCK_STREAM);
    Service service(roots(), ServerOptions{.project = project_});
    {
      http::Connection connection(std::move(pair->second));
      EXPECT_TRUE(write_full(pair->first.get(), "GET " + target + " HTTP/1.1\r\nHost: d\r\n\r\n"));
      auto parsed = connection.next();
      EXPECT_TRUE(parsed && *parsed && answer(service, connection, **parsed));
    }
    return read_all(pair->first.get(), 1 << 20).value_or("");
  }
  // with: a call of the socket.
  void on_socket(const std::function<void(Call&)>& with) {
    auto pair = make_socket_pair(SOCK_STREAM);
    Service service(roots(), ServerOptions{.project = project_});
    http::Connection connection(std::move(pair->second));
    const http::Request request;
    Call call(service, connection, request);
    with(call);
  }
  // Of another project.
  std::string stranger(const std::string& name) {
    engine::ContainerSpec spec = probe({"true"});
    spec.project = "other";
    spec.name = name;
    return create(spec);
  }
};

// "db", "cafe" and "feed" are beginnings of ids as well, and names that others may want to have.
TEST_F(ProjectSocketTest, TheBeginningOfAnIdIsNotAName) {
  engine::ContainerSpec spec = probe({"true"});
  spec.name = "of-" + project_;  // as container_name gives it
  const std::string id = create(spec);
  on_socket([&](Call& call) {
    EXPECT_TRUE(keep_name_to_project(call, "0123456789ab_" + spec.name, ""));
    for (const std::size_t length : {4, 12, 64})
      EXPECT_FALSE(keep_name_to_project(call, "0123456789ab_" + id.substr(0, length), "")) << length;
  });
}

// What a name means may be another container a moment later.
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

}  // namespace
}  // namespace consort::serve
