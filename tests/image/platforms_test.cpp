// Names that refer to images for several platforms: in the store, in archives, in a registry.
#include "base/json.hpp"
#include "base/sqlite/database.hpp"
#include "image/registry/manifest.hpp"
#include "registry_fixture.hpp"

namespace consort::image {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const Platform s390x{"linux", "s390x", ""};
const Platform riscv64{"linux", "riscv64", ""};

class PlatformsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root: owners and whiteouts";
  }
  // One layer that all images share, and one of its own.
  Image make(Store& store, const Platform& platform, const std::vector<std::string>& names,
             Naming naming = Naming::alone) {
    ImageConfig config;
    config.platform = platform;
    config.cmd = {"/program"};
    // Newer images are listed first, and so pruned first: a name's own image before those of other platforms.
    config.created = platform == Platform::host() ? "2026-01-02T03:04:05Z" : "2026-01-01T03:04:05Z";
    std::vector<Reference> references;
    for (const std::string& name : names) references.push_back(named(name));
    const auto made = store.create_image(
        config, {layer(store, "data", "shared"), layer(store, "program", platform.text())}, references, naming);
    EXPECT_TRUE(made) << made.error().message();
    return *made;
  }
  static std::string layer(Store& store, const std::string& file, const std::string& content) {
    auto draft = store.new_layer().value();
    EXPECT_TRUE(write_file_atomic(draft.directory() + "/" + file, content));
    return store.commit_layer(std::move(draft)).value().id;
  }
  void make_set(Store& store, const std::string& name) {
    other = make(store, s390x, {name});
    own = make(store, Platform::host(), {name}, Naming::beside);
  }
  static std::vector<std::string> ids(const std::vector<Image>& images) {
    std::vector<std::string> result;
    for (const Image& image : images) result.push_back(image.id);
    return result;
  }

  TestStore here, there;
  TempDir directory;
  Image own, other;
};

TEST_F(PlatformsTest, ANameMeansTheImageForThisMachineWhicheverCameFirst) {
  make_set(here.store, "app");
  EXPECT_EQ(here.store.find("app").value().id, own.id);
  EXPECT_EQ(here.store.find("app", s390x).value().id, other.id);
  EXPECT_THAT(ids(here.store.platforms_of("app").value()), ElementsAre(own.id, other.id));
  const auto none = here.store.find("app", riscv64);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), Code::not_found);
  EXPECT_EQ(none.error().message(), "image with reference app:latest was found but its platform (" +
                                        Platform::host().text() +
                                        ") does not match the specified platform (linux/riscv64)");
  EXPECT_EQ(here.store.look_up("app", riscv64).value(), std::nullopt);
  const Image beside = here.store.find(other.id).value();
  EXPECT_THAT(beside.names, IsEmpty());
  EXPECT_THAT(beside.other_names, ElementsAre("docker.io/library/app:latest"));
  EXPECT_EQ(beside.display_name(), "app:latest (linux/s390x)");
}

TEST_F(PlatformsTest, AnImageBesideTakesThePlaceOfItsOwnPlatformOnly) {
  make_set(here.store, "app");
  auto draft = here.store.new_layer().value();
  ImageConfig config;
  config.platform = s390x;
  config.cmd = {"/newer"};
  const Image newer =
      here.store.create_image(config, {layer(here.store, "x", "y")}, {named("app")}, Naming::beside).value();
  EXPECT_THAT(ids(here.store.platforms_of("app").value()), ElementsAre(own.id, newer.id));
  EXPECT_FALSE(here.store.find(other.id).value().is_named());
  // A single image takes the name away from all of them.
  ASSERT_TRUE(here.store.tag(newer, named("app")));
  EXPECT_THAT(ids(here.store.platforms_of("app").value()), ElementsAre(newer.id));
  EXPECT_FALSE(here.store.find(own.id).value().is_named());
}

TEST_F(PlatformsTest, RemovingTheNameRemovesWhatNobodyElseNames) {
  make_set(here.store, "app");
  ASSERT_TRUE(here.store.tag(here.store.platforms_of("app").value(), named("copy")));
  EXPECT_THAT(ids(here.store.platforms_of("copy").value()), ElementsAre(own.id, other.id));
  ASSERT_TRUE(here.store.tag(other, named("foreign")));
  EXPECT_THAT(here.store.remove("app", Store::Removal::normal).value().deleted, IsEmpty());
  EXPECT_EQ(here.store.find("copy", s390x).value().id, other.id);
  const auto report = here.store.remove("copy", Store::Removal::normal).value();
  EXPECT_THAT(report.untagged, ElementsAre("copy:latest"));
  EXPECT_THAT(report.deleted, ElementsAre(own.id));
  EXPECT_THAT(here.store.remove("foreign", Store::Removal::normal).value().deleted, ElementsAre(other.id));
  EXPECT_THAT(here.store.list().value(), IsEmpty());
  EXPECT_THAT(here.store.prune({PruneOptions::Images::none, PruneOptions::Mode::plan}).value().items, IsEmpty());
}

TEST_F(PlatformsTest, WhoUsesOneKeepsAll) {
  make_set(here.store, "app");
  const ImageUsers users = [&](const Image& image, const std::vector<std::string>&) {
    return image.id == other.id ? std::vector<std::string>{"container emulated"} : std::vector<std::string>{};
  };
  const auto refused = here.store.remove("app", Store::Removal::normal, users);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("container emulated"));
  ASSERT_TRUE(here.store.prune({PruneOptions::Images::unused, PruneOptions::Mode::act}, users));
  EXPECT_THAT(ids(here.store.platforms_of("app").value()), ElementsAre(own.id, other.id));
  // None of them is without a name, so the usual prune keeps them.
  ASSERT_TRUE(here.store.prune({PruneOptions::Images::untagged, PruneOptions::Mode::act}));
  EXPECT_THAT(ids(here.store.platforms_of("app").value()), ElementsAre(own.id, other.id));
  ASSERT_TRUE(here.store.prune({PruneOptions::Images::unused, PruneOptions::Mode::act}));
  EXPECT_THAT(here.store.list().value(), IsEmpty());
}

TEST_F(PlatformsTest, OneOfThemCanGoByItsId) {
  make_set(here.store, "app");
  EXPECT_THAT(here.store.remove(other.id, Store::Removal::normal).value().deleted, ElementsAre(other.id));
  EXPECT_THAT(ids(here.store.platforms_of("app").value()), ElementsAre(own.id));
  make_set(here.store, "app");
  EXPECT_THAT(here.store.remove(own.id, Store::Removal::normal).value().deleted, ElementsAre(own.id, other.id));
}

// Data roots from before names could have several platforms.
TEST_F(PlatformsTest, AnOldDataRootGoesOnWorking) {
  const Image made = make(here.store, Platform::host(), {"app"});
  {
    Database database = Database::open(here.roots.state_db()).value();
    ASSERT_TRUE(database.query("make old", [](SQLite::Database& db) {
      db.exec("DROP TABLE image_name_platforms; DROP TABLE schema_versions");
    }));
  }
  Store store = Store::open(here.roots).value();
  EXPECT_EQ(store.find("app").value().id, made.id);
  const Image foreign = make(store, s390x, {"app"}, Naming::beside);
  EXPECT_THAT(ids(store.platforms_of("app").value()), ElementsAre(made.id, foreign.id));
}

TEST_F(PlatformsTest, AnArchiveHoldsAllPlatforms) {
  make_set(here.store, "app");
  for (const ArchiveFormat format : {ArchiveFormat::docker, ArchiveFormat::oci_layout}) {
    TestStore target;
    const Fd fd = open_file(directory / "a.tar", O_RDWR | O_CREAT | O_TRUNC).value();
    ASSERT_TRUE(save(here.store, {"app"}, fd.get(), {.format = format}));
    ::lseek(fd.get(), 0, SEEK_SET);
    const auto loaded = load(target.store, fd.get());
    ASSERT_TRUE(loaded) << loaded.error().message();
    EXPECT_THAT(loaded->names, ElementsAre("docker.io/library/app:latest"));
    EXPECT_THAT(ids(target.store.platforms_of("app").value()), ElementsAre(own.id, other.id));
    TestStore second;
    ::lseek(fd.get(), 0, SEEK_SET);
    PullOptions only;
    only.platform = s390x;
    ASSERT_TRUE(load(second.store, fd.get(), only));
    EXPECT_THAT(ids(second.store.platforms_of("app").value()), ElementsAre(other.id));
  }
  const Fd fd = open_file(directory / "b.tar", O_RDWR | O_CREAT | O_TRUNC).value();
  ASSERT_TRUE(save(here.store, {"app"}, fd.get(), {.platform = s390x}));
  ::lseek(fd.get(), 0, SEEK_SET);
  ASSERT_TRUE(load(there.store, fd.get()));
  EXPECT_THAT(ids(there.store.list().value()), ElementsAre(other.id));
  EXPECT_EQ(there.store.find("app").value().id, other.id);
}

class PlatformsAtARegistry : public PlatformsTest {
 protected:
  void SetUp() override {
    PlatformsTest::SetUp();
    if (IsSkipped()) return;
    server = RegistryServer::start();
    if (!server) GTEST_SKIP() << "needs docker-registry";
    registry.docker_config = directory / "docker-config.json";
    registry.registries_conf = directory / "empty.conf";
    ASSERT_TRUE(write_file_atomic(registry.registries_conf, ""));
    name = named(server->host() + "/app:1");
  }
  Result<PullResult> pull_for(const std::optional<Platform>& platform,
                              PullOptions::Policy policy = PullOptions::Policy::always) {
    PullOptions options;
    options.registry = registry;
    options.platform = platform;
    options.policy = policy;
    return pull(there.store, name, options);
  }
  Result<PushResult> push_from(Store& store, const std::optional<Platform>& platform = {}) {
    PushOptions options;
    options.platform = platform;
    options.registry = registry;
    return push(store, name, options);
  }
  std::optional<RegistryServer> server;
  RegistryOptions registry;
  Reference name;
};

TEST_F(PlatformsAtARegistry, AllArePushedUnderOneIndex) {
  make_set(here.store, name.full());
  const auto pushed = push_from(here.store);
  ASSERT_TRUE(pushed) << pushed.error().message();
  for (const std::string& id : {own.id, other.id})
    EXPECT_THAT(here.store.find(id).value().digests, ElementsAre(name.name() + "@" + pushed->manifest.text()));

  const auto foreign = pull_for(s390x);
  ASSERT_TRUE(foreign) << foreign.error().message();
  EXPECT_EQ(foreign->image.id, other.id);
  EXPECT_EQ(foreign->manifest, pushed->manifest);
  EXPECT_EQ(there.store.find(name).value().id, other.id) << "it is all that is here";
  // The second platform of the same index is kept next to the first, and becomes the name's own image.
  const auto native = pull_for(std::nullopt);
  ASSERT_TRUE(native) << native.error().message();
  EXPECT_TRUE(native->changed);
  EXPECT_THAT(ids(there.store.platforms_of(name.full()).value()), ElementsAre(own.id, other.id));
  EXPECT_FALSE(pull_for(s390x)->changed);
  EXPECT_EQ(pull_for(s390x, PullOptions::Policy::never).value().image.id, other.id);
  EXPECT_EQ(there.store.find(name.name() + "@" + pushed->manifest.text()).value().id, own.id);

  // When the tag moves in the registry, the images of the old index are removed.
  const Image newer = make(here.store, Platform::host(), {});
  ImageConfig config = here.store.config_of(newer).value();
  config.cmd = {"/newer"};
  ASSERT_TRUE(here.store.create_image(config, {layer(here.store, "z", "z")}, {name}));
  ASSERT_TRUE(push_from(here.store));
  ASSERT_TRUE(pull_for(std::nullopt));
  EXPECT_EQ(there.store.platforms_of(name.full()).value().size(), 1U);
  EXPECT_FALSE(there.store.find(other.id).value().is_named());
}

TEST_F(PlatformsAtARegistry, OneAloneIsPushedAsAManifest) {
  make_set(here.store, name.full());
  ASSERT_TRUE(push_from(here.store, s390x));
  EXPECT_EQ(pull_for(s390x).value().image.id, other.id);
  EXPECT_FALSE(push_from(here.store, riscv64));
}

TEST(IndexText, SaysWhatEachEntryIsFor) {
  const Digest digest = Digest::of("x");
  Descriptor entry{std::string(media::oci_manifest), digest, 7, Platform{"linux", "arm", "v7"}, {}, {}, false, {}};
  const std::string text = format_index({entry});
  const auto parsed = parse_manifest(text, "", "test");
  ASSERT_TRUE(parsed);
  ASSERT_TRUE(parsed->index);
  EXPECT_EQ(parsed->index->media_type, media::oci_index);
  EXPECT_EQ(parsed->index->manifests.at(0).platform->text(), "linux/arm/v7");
  EXPECT_EQ(parsed->index->manifests.at(0).digest, digest);
  EXPECT_EQ(parsed->index->manifests.at(0).size, 7U);
}

}  // namespace
}  // namespace consort::image
