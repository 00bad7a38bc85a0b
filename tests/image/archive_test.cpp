#include "base/json.hpp"
#include "image/layer_tar.hpp"
#include "support.hpp"

namespace consort::image {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ArchiveTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root: owners and whiteouts";
  }
  Image make(Store& store, const std::vector<std::string>& names) {
    auto draft = store.new_layer().value();
    EXPECT_TRUE(write_file_atomic(draft.directory() + "/file", "content"));
    const auto base = store.commit_layer(std::move(draft)).value();
    auto above = store.new_layer().value();
    EXPECT_TRUE(unpack_layer(source_of(TarBuilder().file(".wh.file", "").file("new", "x", 04755).str()),
                             above.directory(), {}));
    const auto top = store.commit_layer(std::move(above)).value();
    ImageConfig config;
    config.platform = Platform::host();
    config.cmd = {"/new"};
    std::vector<Reference> references;
    for (const std::string& name : names) references.push_back(named(name));
    return store.create_image(config, {base.id, top.id}, references).value();
  }
  Fd saved(Store& store, const std::vector<std::string>& names, ArchiveFormat format) {
    Fd fd = std::move(open_file(directory / "a.tar", O_RDWR | O_CREAT | O_TRUNC)).value();
    const auto done = save(store, names, fd.get(), {.format = format});
    EXPECT_TRUE(done) << done.error().message();
    ::lseek(fd.get(), 0, SEEK_SET);
    return fd;
  }
  std::string refused(const std::string& tar) {
    const auto result = load(there.store, file_with(directory, tar).get());
    EXPECT_FALSE(result);
    EXPECT_THAT(there.store.list().value(), IsEmpty());
    return result ? "was not refused" : result.error().message();
  }

  TempDir directory;
  TestStore here, there;
};

TEST_F(ArchiveTest, WhatIsSavedIsLoadedTheSame) {
  const Image made = make(here.store, {"app:1", "localhost:5000/x:2"});
  for (const ArchiveFormat format : {ArchiveFormat::docker, ArchiveFormat::oci_layout}) {
    TestStore target;
    const auto loaded = load(target.store, saved(here.store, {"app:1", "localhost:5000/x:2"}, format).get());
    ASSERT_TRUE(loaded) << loaded.error().message();
    EXPECT_THAT(loaded->names, testing::UnorderedElementsAre("docker.io/library/app:1", "localhost:5000/x:2"));
    const Image found = target.store.find("app:1").value();
    EXPECT_EQ(found.id, made.id);
    const auto paths = target.store.layer_paths(found).value();
    EXPECT_EQ(lstat_path(paths[0] + "/new").value().st_mode & 07777, 04755u);
    EXPECT_TRUE(S_ISCHR(lstat_path(paths[0] + "/file").value().st_mode));
    // A loaded image can be saved again, and its compressed layers are kept unchanged.
    const auto again = load(there.store, saved(target.store, {"app:1"}, format).get());
    ASSERT_TRUE(again) << again.error().message();
  }
  EXPECT_EQ(there.store.find(made.id).value().names, (std::vector<std::string>{"docker.io/library/app:1"}));
  EXPECT_THAT(there.store.prune({PruneOptions::Images::none, PruneOptions::Mode::plan}).value().items, IsEmpty());
}

TEST_F(ArchiveTest, AnImageWithoutANameIsSavedById) {
  const Image made = make(here.store, {});
  const auto loaded = load(there.store, saved(here.store, {made.short_id()}, ArchiveFormat::docker).get());
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_THAT(loaded->names, IsEmpty());
  EXPECT_EQ(loaded->images.at(0).id, made.id);
}

// As written by Docker before 25: ID/layer.tar, symlinks for repeated layers, the configuration as HEX.json.
TEST_F(ArchiveTest, TheOldFormOfDockerSave) {
  const std::string tar = TarBuilder().file("a", "1").str();
  const std::string id = Digest::of(tar).text();
  const std::string config =
      R"({"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[")" + id + R"(",")" +
      id + R"("]}})";
  const std::string archive =
      TarBuilder()
          .dir("one")
          .file("one/layer.tar", tar)
          .symlink("two/layer.tar", "../one/layer.tar")
          .file("c.json", config)
          .file("manifest.json",
                R"([{"Config":"c.json","RepoTags":["old:1"],"Layers":["one/layer.tar","two/layer.tar"]}])")
          .str();
  const auto loaded = load(there.store, file_with(directory, gzip(archive)).get());
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(there.store.layers_of(there.store.find("old:1").value()).value().size(), 2u);
  // The layers' tars were not written by us; that must not prevent saving them.
  TestStore third;
  const auto again = load(third.store, saved(there.store, {"old:1"}, ArchiveFormat::docker).get());
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->images.at(0).id, loaded->images.at(0).id);
}

TEST_F(ArchiveTest, WhatWasImportedFromAForeignTarCanBeSaved) {
  ASSERT_EQ(
      std::system(
          ("cd " + directory.path() + " && mkdir r && echo x > r/x && tar --format=gnu -C r -cf r.tar .").c_str()),
      0);
  ImportOptions options;
  options.names = {named("imported")};
  const Fd tar = std::move(open_file(directory / "r.tar", O_RDONLY)).value();
  const auto made = import_rootfs(here.store, tar.get(), options);
  ASSERT_TRUE(made) << made.error().message();
  const auto loaded = load(there.store, saved(here.store, {"imported"}, ArchiveFormat::docker).get());
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->images.at(0).id, made->id);
}

TEST_F(ArchiveTest, DamagedArchivesAreRefused) {
  EXPECT_THAT(refused(TarBuilder().file("x", "").str()), HasSubstr("neither manifest.json nor index.json"));
  EXPECT_THAT(refused(TarBuilder().file("manifest.json", "[{\"Config\":\"../../etc/passwd\"}]").str()),
              HasSubstr("does not hold this file"));
  EXPECT_THAT(refused(TarBuilder().symlink("c", "c").file("manifest.json", "[{\"Config\":\"c\"}]").str()),
              HasSubstr("does not hold this file"));
  const std::string tar = TarBuilder().file("a", "1").str();
  const std::string config = R"({"rootfs":{"diff_ids":[")" + Digest::of("other").text() + R"("]}})";
  EXPECT_THAT(refused(TarBuilder()
                          .file("l", tar)
                          .file("c", config)
                          .file("manifest.json", R"([{"Config":"c","RepoTags":["x"],"Layers":["l"]}])")
                          .str()),
              HasSubstr("verify layer"));
  EXPECT_THAT(refused("not a tar at all"), HasSubstr("header"));
}

}  // namespace
}  // namespace consort::image
