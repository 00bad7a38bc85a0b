#include "fake_registry.hpp"
#include "image/layer_tar.hpp"
#include "registry_fixture.hpp"

namespace consort::image {
namespace {

using testing::Contains;
using testing::HasSubstr;

class RegistryTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root: owners and whiteouts";
  }
  bool start(const RegistrySettings& settings = {}) {
    server = RegistryServer::start(settings);
    if (!server) return false;
    registry.docker_config = directory / "docker-config.json";
    registry.registries_conf = directory / "empty.conf";
    registry.docker_daemon = directory / "daemon.json";
    EXPECT_TRUE(write_file_atomic(registry.registries_conf, ""));
    return true;
  }
  // Two layers, the second of which has a whiteout.
  Image make_image(Store& store, const std::string& name) {
    ImportOptions options;
    options.names = {named("scratch-base")};
    options.config.cmd = {"/bin/x"};
    EXPECT_TRUE(import_rootfs(
        store, file_with(directory, TarBuilder().dir("etc").file("etc/a", "aaa").file("etc/b", "b").str()).get(),
        options));
    const auto base = store.layers_of(store.find("scratch-base").value()).value();
    auto draft = store.new_layer().value();
    UnpackOptions unpack;
    EXPECT_TRUE(
        unpack_layer(source_of(TarBuilder().dir("etc").file("etc/.wh.b", "").file("bin/x", "payload", 0755).str()),
                     draft.directory(), unpack));
    const auto top = store.commit_layer(std::move(draft)).value();
    ImageConfig config = options.config;
    config.platform = Platform::host();
    config.created = "2026-01-01T00:00:00Z";
    return store.create_image(config, {base[0].id, top.id}, {named(name)}).value();
  }
  PullOptions pulling() {
    PullOptions options;
    options.registry = registry;
    return options;
  }
  PushOptions pushing() {
    PushOptions options;
    options.registry = registry;
    return options;
  }

  TempDir directory;
  std::optional<RegistryServer> server;
  RegistryOptions registry;
  TestStore here, there;
};

TEST_F(RegistryTest, WhatIsPushedIsPulledTheSame) {
  if (!start()) GTEST_SKIP() << "needs docker-registry";
  const Reference name = named(server->host() + "/team/app:1");
  const Image made = make_image(here.store, name.full());
  std::vector<Phase> phases;
  const auto pushed =
      push(here.store, name, pushing(), [&](const ProgressEvent& event) { phases.push_back(event.phase); });
  ASSERT_TRUE(pushed) << pushed.error().message();
  EXPECT_THAT(phases, Contains(Phase::done));
  phases.clear();
  ASSERT_TRUE(push(here.store, name, pushing(), [&](const ProgressEvent& event) { phases.push_back(event.phase); }));
  EXPECT_THAT(phases, Contains(Phase::exists));

  const auto pulled = pull(there.store, name, pulling());
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(pulled->image.id, made.id);
  EXPECT_EQ(pulled->manifest, pushed->manifest);
  EXPECT_TRUE(pulled->changed);
  EXPECT_EQ(pulled->image.names, std::vector<std::string>{name.full()});
  const auto layers = there.store.layer_paths(pulled->image).value();
  EXPECT_EQ(read_file(layers[0] + "/bin/x").value(), "payload");
  EXPECT_TRUE(S_ISCHR(lstat_path(layers[0] + "/etc/b").value().st_mode));
  EXPECT_FALSE(pull(there.store, name, pulling())->changed);

  const Reference by_digest = named(server->host() + "/team/app@" + pushed->manifest.text());
  EXPECT_EQ(pull(there.store, by_digest, pulling()).value().image.id, made.id);
  EXPECT_EQ(resolve_digest(name, registry).value(), pushed->manifest);
  // Pushed again from here, under another name: the registry has the same bytes, and reuses them.
  const Reference copy = named(server->host() + "/team/copy:2");
  ASSERT_TRUE(there.store.tag(pulled->image, copy));
  phases.clear();
  const auto again =
      push(there.store, copy, pushing(), [&](const ProgressEvent& event) { phases.push_back(event.phase); });
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->manifest, pushed->manifest);
  EXPECT_THAT(phases, Contains(Phase::mounted));
}

TEST_F(RegistryTest, AMirrorStandsInForDockerHub) {
  if (!start()) GTEST_SKIP() << "needs docker-registry";
  const Reference there_name = named(server->host() + "/library/postgres:15-alpine");
  make_image(here.store, there_name.full());
  ASSERT_TRUE(push(here.store, there_name, pushing()));
  registry.registries_conf = server->mirror_conf();
  const auto pulled = pull(there.store, named("postgres:15-alpine"), pulling());
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(pulled->image.names, std::vector<std::string>{"docker.io/library/postgres:15-alpine"});

  const auto wrong = pull(there.store, named("postgres:15-alphine"), pulling());
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().hint_text(), HasSubstr("postgres:15-alpine"));
}

TEST_F(RegistryTest, WhatIsNotThereIsExplained) {
  if (!start()) GTEST_SKIP() << "needs docker-registry";
  const std::string base = server->host() + "/app";
  make_image(here.store, base + ":15-alpine");
  ASSERT_TRUE(push(here.store, named(base + ":15-alpine"), pushing()));
  const auto wrong_tag = pull(there.store, named(base + ":15-alphine"), pulling());
  EXPECT_EQ(wrong_tag.error().code(), Code::not_found);
  EXPECT_EQ(wrong_tag.error().message(),
            "manifest for " + base + ":15-alphine not found: manifest unknown: manifest unknown");
  EXPECT_THAT(wrong_tag.error().hint_text(), HasSubstr(base + ":15-alpine"));
  EXPECT_FALSE(pull(there.store, named(server->host() + "/nothing"), pulling()));
  PullOptions never = pulling();
  never.policy = PullOptions::Policy::never;
  EXPECT_EQ(pull(there.store, named("x:1"), never).error().message(), "No such image: x:1");
  PullOptions arm = pulling();
  arm.platform = Platform::parse("linux/s390x").value();
  EXPECT_THAT(pull(there.store, named(base + ":15-alpine"), arm).error().message(), HasSubstr("linux/s390x"));
  EXPECT_THAT(push(here.store, named(base + ":none"), pushing()).error().message(),
              HasSubstr("does not exist locally"));
  EXPECT_TRUE(there.store.list().value().empty());
}

TEST_F(RegistryTest, TlsWithItsOwnAuthorityAndAPassword) {
  if (!start({.tls = true, .password = true})) GTEST_SKIP() << "needs docker-registry";
  const Reference name = named(server->host() + "/app:1");
  make_image(here.store, name.full());
  registry.certificate_directories = {server->certificates()};
  const auto refused = push(here.store, name, pushing());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::denied);
  EXPECT_THAT(refused.error().message(), HasSubstr("push access denied"));
  EXPECT_THAT(login(server->host(), {"tester", "wrong"}, registry).error().message(),
              HasSubstr("incorrect username or password"));
  EXPECT_FALSE(path_exists(registry.docker_config));

  ASSERT_TRUE(login(server->host(), {"tester", "secret"}, registry));
  EXPECT_EQ(lstat_path(registry.docker_config).value().st_mode & 0777, 0600u);
  const auto pushed = push(here.store, name, pushing());
  ASSERT_TRUE(pushed) << pushed.error().message();
  ASSERT_TRUE(pull(there.store, name, pulling()));
  ASSERT_TRUE(logout(server->host(), registry));
  EXPECT_THAT(pull(there.store, name, pulling()).error().message(),
              HasSubstr("pull access denied for " + server->host() + "/app"));
}

// Some registries have storage without TLS. The digest shows whether it returned the requested blob.
TEST_F(RegistryTest, ABlobIsFetchedFromAStorageWithoutTls) {
  FakeRegistry storage;
  if (!start({.tls = true, .storage = "http://" + storage.host()})) GTEST_SKIP() << "needs docker-registry";
  storage.intercept = [data = server->data()](const FakeRequest& request) -> std::optional<FakeAnswer> {
    const auto blob = read_file(data + request.path);
    return blob ? FakeAnswer{200, {}, *blob} : FakeAnswer{404, {}, ""};
  };
  const Reference name = named(server->host() + "/app:1");
  make_image(here.store, name.full());
  registry.certificate_directories = {server->certificates()};
  const auto pushed = push(here.store, name, pushing());
  ASSERT_TRUE(pushed) << pushed.error().message();
  const auto pulled = pull(there.store, name, pulling());
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(storage.count("GET /docker/registry/v2/blobs/"), 3u) << "two layers and the configuration";
}

// Loopback addresses are exempt from verification, as in Docker; the name registry.localhost is not.
TEST_F(RegistryTest, AnUnknownAuthorityIsRefusedWhereItMatters) {
  if (!start({.tls = true})) GTEST_SKIP() << "needs docker-registry";
  const std::string host = "registry.localhost" + server->host().substr(server->host().find(':'));
  const auto refused = pull(there.store, named(host + "/x"), pulling());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::denied) << refused.error().message();
  EXPECT_THAT(refused.error().hint_text(), HasSubstr("certs.d"));
  registry.certificate_directories = {server->certificates()};
  EXPECT_EQ(pull(there.store, named(host + "/x"), pulling()).error().http_status(), 404);
  registry.certificate_directories = {directory / "none"};
  registry.insecure = {host};
  EXPECT_EQ(pull(there.store, named(host + "/x"), pulling()).error().http_status(), 404);
}

}  // namespace
}  // namespace consort::image
