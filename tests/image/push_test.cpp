// Pushing to registries other than Debian's: their answers, and the blobs that they can reuse.
#include "base/url.hpp"
#include "fake_registry.hpp"
#include "image/http.hpp"

namespace consort::image {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class Pushing : public FakeRegistryTest {
 protected:
  Image make(const std::string& name) {
    ImportOptions made;
    made.names = {named(name)};
    return import_rootfs(test.store, file_with(directory, TarBuilder().file("a", name).str()).get(), made).value();
  }
  Result<PushResult> push_as(const std::string& name, const Progress& progress = {}) {
    PushOptions how;
    how.registry = registry;
    return push(test.store, named(name), how, progress);
  }
  // A blob registry that answers with these statuses and Location headers.
  void accept(int opened, const std::string& location, int put, int manifest) {
    server.intercept = [=](const FakeRequest& request) -> std::optional<FakeAnswer> {
      if (request.method == "HEAD") return FakeAnswer{404, {}, ""};
      if (request.method == "POST") return FakeAnswer{opened, {"Location: " + location}, ""};
      if (request.path.contains("/manifests/")) return FakeAnswer{manifest, {}, ""};
      return FakeAnswer{request.path.contains("digest=sha256") ? put : 400, {}, ""};
    };
  }
};

TEST_F(Pushing, WhatDockerTakesForDoneIsDone) {
  make(server.host() + "/app:1");
  for (const int status : {201, 202, 204, 200}) {
    accept(202, "/v2/app/blobs/uploads/1", status, status);
    const auto pushed = push_as(server.host() + "/app:1");
    EXPECT_TRUE(pushed) << status << ": " << (pushed ? "" : pushed.error().message());
  }
  accept(202, "/v2/app/blobs/uploads/1", 201, 500);
  registry.patience.manifests = std::chrono::milliseconds(0);
  EXPECT_FALSE(push_as(server.host() + "/app:1"));
}

TEST_F(Pushing, LocationsOfAllKindsAreFollowed) {
  make(server.host() + "/app:1");
  for (const std::string& location : {std::string("/v2/app/blobs/uploads/9?_state=x"), std::string("9?_state=x"),
                                      "http://" + server.host() + "/elsewhere",
                                      "//" + server.host() + "/v2/app/blobs/uploads/9", std::string("?_state=x")}) {
    accept(202, location, 201, 201);
    const auto pushed = push_as(server.host() + "/app:1");
    EXPECT_TRUE(pushed) << location << ": " << (pushed ? "" : pushed.error().message());
  }
  accept(202, "", 201, 201);
  EXPECT_THAT(push_as(server.host() + "/app:1").error().message(), HasSubstr("no Location"));
}

// The layers of the base image are on the same registry already. The token must allow reading them there.
TEST_F(Pushing, LayersOfABaseFromTheSameRegistryAreMounted) {
  const std::string tar = TarBuilder().file("base", "content").str();
  server.serve({gzip(tar)}, {tar});
  PullOptions pulling;
  pulling.registry = registry;
  const auto base = pull(test.store, server.name(), pulling);
  ASSERT_TRUE(base) << base.error().message();
  const auto layers = test.store.layers_of(base->image).value();
  ImageConfig config = test.store.config_of(base->image).value();
  config.cmd = {"/other"};
  ASSERT_TRUE(test.store.create_image(config, {layers[0].id}, {named(server.host() + "/team/mine:1")}));

  std::string token_request;
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path.starts_with("/token")) {
      token_request = request.path;
      return FakeAnswer{200, {}, R"({"token":"abc"})"};
    }
    if (request.header("authorization") != "Bearer abc")
      return FakeAnswer{401, {"WWW-Authenticate: Bearer realm=\"http://" + server.host() + "/token\",service=s"}, ""};
    if (request.method == "HEAD") return FakeAnswer{404, {}, ""};
    if (request.path.contains("mount=")) return FakeAnswer{201, {}, ""};
    if (request.method == "POST") return FakeAnswer{202, {"Location: /v2/team/mine/blobs/uploads/1"}, ""};
    return FakeAnswer{201, {}, ""};
  };
  std::vector<Phase> phases;
  const auto pushed =
      push_as(server.host() + "/team/mine:1", [&](const ProgressEvent& event) { phases.push_back(event.phase); });
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_THAT(phases, Contains(Phase::mounted));
  EXPECT_THAT(server.asked(),
              Contains("POST /v2/team/mine/blobs/uploads/?mount=" + url_encode(layers[0].blob->text()) + "&from=app"));
  EXPECT_THAT(token_request, HasSubstr("scope=repository%3Ateam%2Fmine%3Apull%2Cpush"));
  EXPECT_THAT(token_request, HasSubstr("scope=repository%3Aapp%3Apull"));
}

// A server that does not mount blobs, or refuses to, gets the bytes.
TEST_F(Pushing, WhatIsNotMountedIsSent) {
  const std::string tar = TarBuilder().file("base", "content").str();
  server.serve({gzip(tar)}, {tar});
  PullOptions pulling;
  pulling.registry = registry;
  const auto base = pull(test.store, server.name(), pulling);
  ASSERT_TRUE(base) << base.error().message();
  ASSERT_TRUE(test.store.tag(base->image, named(server.host() + "/copy:1")));
  for (const int status : {202, 403, 404, 405}) {
    server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
      if (request.method == "HEAD") return FakeAnswer{404, {}, ""};
      if (request.path.contains("mount=")) return FakeAnswer{status, {"Location: /v2/copy/blobs/uploads/0"}, ""};
      if (request.method == "POST") return FakeAnswer{202, {"Location: /v2/copy/blobs/uploads/1"}, ""};
      return FakeAnswer{201, {}, ""};
    };
    const auto pushed = push_as(server.host() + "/copy:1");
    EXPECT_TRUE(pushed) << status << ": " << (pushed ? "" : pushed.error().message());
  }
}

}  // namespace
}  // namespace consort::image
