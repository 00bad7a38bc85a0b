#include "image/store.hpp"

#include <sys/file.h>

#include <atomic>
#include <thread>

#include "base/os/trees/directory.hpp"
#include "base/sha256.hpp"
#include "image/layer_tar.hpp"
#include "image/prune_plan.hpp"
#include "support.hpp"

namespace consort::image {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_root()) GTEST_SKIP() << "needs root: owners and whiteouts";
  }
  LayerInfo layer(const std::string& file, const std::string& content) {
    auto draft = store.new_layer().value();
    EXPECT_TRUE(write_file_atomic(draft.directory() + "/" + file, content));
    return store.commit_layer(std::move(draft)).value();
  }
  Image image(const std::vector<std::string>& layers, std::vector<Reference> names, std::string command = "run") {
    ImageConfig config;
    config.platform = Platform::host();
    config.cmd = {std::move(command)};
    config.created = "2026-01-02T03:04:05Z";
    auto made = store.create_image(config, layers, names);
    EXPECT_TRUE(made) << made.error().message();
    return std::move(*made);
  }
  TestStore test;
  Store& store = test.store;
};

TEST_F(StoreTest, AnImageIsFoundByNameDigestAndId) {
  const LayerInfo base = layer("a", "1"), top = layer("b", "22");
  const Image made = image({base.id, top.id}, {named("app:1"), named("localhost:5000/x/app:2")});
  EXPECT_EQ(store.find("app:1").value().id, made.id);
  EXPECT_EQ(store.find("docker.io/library/app:1").value().id, made.id);
  EXPECT_EQ(store.find(made.id).value().id, made.id);
  EXPECT_EQ(store.find(made.short_id()).value().id, made.id);
  EXPECT_EQ(store.find(made.id.substr(0, 20)).value().id, made.id);
  EXPECT_EQ(made.size, 3u);
  EXPECT_THAT(made.names, ElementsAre("docker.io/library/app:1", "localhost:5000/x/app:2"));
  EXPECT_THAT(store.layer_paths(made).value(), ElementsAre(top.directory, base.directory));
  EXPECT_EQ(Digest::of(store.raw_config_of(made).value()).text(), made.id);
  EXPECT_EQ(store.config_of(made).value().cmd, std::vector<std::string>{"run"});

  const Reference digest = named("app@" + Digest::of("manifest").text());
  ASSERT_TRUE(store.add_digest(made, digest));
  EXPECT_EQ(store.find(digest).value().id, made.id);
  EXPECT_EQ(store.find("app:9").error().message(), "No such image: app:9");
  EXPECT_EQ(store.find("app:9").error().code(), Code::not_found);
  EXPECT_EQ(store.find("A b").error().code(), Code::invalid);
}

TEST_F(StoreTest, ALayerThatIsThereTwiceIsStackedOnce) {
  const LayerInfo base = layer("a", "1"), top = layer("b", "22");
  const Image made = image({top.id, base.id, top.id}, {named("app:1")});
  EXPECT_EQ(store.layers_of(made).value().size(), 3u);
  EXPECT_THAT(store.layer_paths(made).value(), ElementsAre(top.directory, base.directory));
  // Also by who does not ask for the paths.
  const TempDir directory;
  for (const auto& stack :
       {std::vector{top.directory, base.directory, top.directory}, std::vector{base.directory, base.directory}}) {
    const Fd out = open_file(directory / "out.tar", O_RDWR | O_CREAT | O_TRUNC).value();
    const auto exported = export_rootfs(stack, "", out.get());
    EXPECT_TRUE(exported) << exported.error().message();
  }
}

TEST_F(StoreTest, TheSameContentIsTheSameImage) {
  const Image first = image({layer("a", "1").id}, {named("one")});
  ASSERT_EQ(::utimensat(AT_FDCWD, (store.layer_paths(first).value()[0] + "/a").c_str(), nullptr, 0), 0);
  const Image again = image({store.layers_of(first).value()[0].id}, {named("two")});
  EXPECT_EQ(first.id, again.id);
  EXPECT_EQ(again.names.size(), 2u);
}

TEST_F(StoreTest, ANameMoves) {
  const Image first = image({layer("a", "1").id}, {named("app")});
  const Image second = image({layer("a", "2").id}, {named("app")});
  EXPECT_EQ(store.find("app").value().id, second.id);
  EXPECT_THAT(store.find(first.id).value().names, IsEmpty());
}

TEST_F(StoreTest, RemovalUntagsThenDeletes) {
  const LayerInfo shared = layer("a", "1"), own = layer("b", "2");
  const Image keeper = image({shared.id}, {named("keeper")});
  const Image made = image({shared.id, own.id}, {named("app:1"), named("app:2")});
  EXPECT_THAT(store.remove(made.id, Store::Removal::normal).error().message(), HasSubstr("must be forced"));
  auto report = store.remove("app:1", Store::Removal::normal).value();
  EXPECT_THAT(report.untagged, ElementsAre("app:1"));
  EXPECT_THAT(report.deleted, IsEmpty());
  report = store.remove("app:2", Store::Removal::normal).value();
  EXPECT_THAT(report.deleted, ElementsAre(made.id));
  EXPECT_GT(report.reclaimed, 0u);
  EXPECT_FALSE(path_exists(own.directory));
  EXPECT_TRUE(path_exists(shared.directory));
  EXPECT_EQ(store.find("keeper").value().id, keeper.id);
}

// Between the name and the image it stands for, another command may remove both.
TEST_F(StoreTest, WhatAnotherCommandRemovesIsThereOrNot) {
  const LayerInfo base = layer("a", "1");
  image({base.id}, {named("keeper")}, "keep");
  std::atomic<bool> over = false;
  std::jthread other([&] {
    Store own = Store::open(test.roots).value();
    for (int i = 0; i < 60; ++i) {
      image({base.id}, {named("app:1")}, std::to_string(i));
      EXPECT_TRUE(own.remove("app:1", Store::Removal::normal));
    }
    over = true;
  });
  const Store seen = Store::open(test.roots).value();
  while (!over) {
    const auto found = seen.find("app:1");
    if (!found) {
      ASSERT_EQ(found.error().code(), Code::not_found) << found.error().message();
    }
    const auto listed = seen.list();
    ASSERT_TRUE(listed) << listed.error().message();
  }
}

TEST_F(StoreTest, UsersKeepAnImage) {
  const Image made = image({layer("a", "1").id}, {named("app")});
  const ImageUsers users = [](const Image&, const std::vector<std::string>&) {
    return std::vector<std::string>{"container web-1"};
  };
  const auto refused = store.remove("app", Store::Removal::normal, users);
  EXPECT_EQ(refused.error().code(), Code::conflict);
  EXPECT_THAT(refused.error().message(), HasSubstr("container web-1"));
  EXPECT_FALSE(store.remove(made.id, Store::Removal::force, users));
  const auto forced = store.remove("app", Store::Removal::force, users).value();
  EXPECT_THAT(forced.deleted, IsEmpty());
  EXPECT_TRUE(store.find(made.id));
}

TEST_F(StoreTest, HoldsKeepLayersAndImages) {
  const Image made = image({layer("a", "1").id}, {named("app")});
  const LayerInfo cached = layer("c", "3");
  ASSERT_TRUE(store.hold("container:x", Store::HoldKind::image, made.id));
  ASSERT_TRUE(store.hold("build:k", Store::HoldKind::layer, cached.id));
  EXPECT_FALSE(store.remove("app", Store::Removal::normal));
  const auto plan = store.prune({PruneOptions::Images::unused, PruneOptions::Mode::act}).value();
  EXPECT_TRUE(store.find("app"));
  EXPECT_TRUE(path_exists(cached.directory));
  for (const PruneItem& item : plan.items) EXPECT_FALSE(item.needed_by.empty()) << item.id;
  ASSERT_TRUE(store.release("container:x"));
  ASSERT_TRUE(store.release("build:k"));
  const auto acted = store.prune({PruneOptions::Images::unused, PruneOptions::Mode::act}).value();
  EXPECT_FALSE(acted.others_active);
  EXPECT_TRUE(store.list().value().empty());
  EXPECT_FALSE(path_exists(cached.directory));
}

TEST_F(StoreTest, PruneInPlanModeTouchesNothing) {
  const Image made = image({layer("a", "12345").id}, {named("app")});
  const auto plan = store.prune({PruneOptions::Images::unused, PruneOptions::Mode::plan}).value();
  ASSERT_EQ(plan.items.size(), 1u);
  EXPECT_EQ(plan.items[0].name, "app:latest");
  EXPECT_TRUE(store.find(made.id));
  EXPECT_TRUE(path_exists(store.layer_paths(made).value()[0]));
}

// Data that is shared, compressed or held by the build cache is counted once, in the forecast as in the result.
TEST_F(StoreTest, APrunePromisesWhatItGivesBack) {
  const auto on_disk = [&] { return tree_bytes(test.roots.layers()) + tree_bytes(test.roots.blobs()); };
  const std::uint64_t before = on_disk();
  const LayerInfo shared = layer("a", std::string(300'000, 'a')), own = layer("b", std::string(200'000, 'b'));
  const std::string packed(100'000, 'p');
  ASSERT_TRUE(write_file_atomic(test.roots.blobs() + "/" + sha256_hex(packed), packed));
  ASSERT_TRUE(store.set_blob(shared.id, Digest::of(packed)));
  image({shared.id}, {named("one")});
  image({shared.id, own.id}, {named("two")});
  const LayerInfo cached = layer("c", std::string(400'000, 'c'));
  ASSERT_TRUE(store.hold("build:k", Store::HoldKind::layer, cached.id));
  ASSERT_TRUE(store.hold("build:k", Store::HoldKind::layer, own.id));
  const auto promise = [&](const char* forgotten) {
    return plan_prune(store, PruneOptions::Images::unused, {}, forgotten).value().reclaimed;
  };
  const std::uint64_t without_cache = promise(""), promised = promise("build:");
  EXPECT_GT(promised, without_cache + 600'000);
  ASSERT_TRUE(store.release("build:k"));
  const std::uint64_t full = on_disk();
  EXPECT_EQ(store.prune({PruneOptions::Images::unused, PruneOptions::Mode::act}).value().reclaimed, promised);
  EXPECT_NEAR(static_cast<double>(full - on_disk()), static_cast<double>(promised), 64 << 10) << "folders may grow";
  EXPECT_LT(on_disk(), before + (64 << 10));
}

TEST_F(StoreTest, WhatACrashLeftIsSweptButNotWhileOthersWork) {
  ASSERT_TRUE(make_directories(test.roots.layers() + "/draft-crashed/diff"));
  ASSERT_TRUE(make_directories(test.roots.layers() + "/feedbeef/diff"));
  ASSERT_TRUE(write_file_atomic(test.roots.blobs() + "/" + sha256_hex("x"), "x"));
  {
    const Session working = store.session().value();
    const auto report = store.prune({PruneOptions::Images::none, PruneOptions::Mode::act}).value();
    EXPECT_TRUE(report.others_active);
    EXPECT_TRUE(path_exists(test.roots.layers() + "/draft-crashed"));
  }
  const auto report = store.prune({PruneOptions::Images::none, PruneOptions::Mode::act}).value();
  EXPECT_EQ(report.items.size(), 3u);
  EXPECT_FALSE(path_exists(test.roots.layers() + "/draft-crashed"));
  EXPECT_FALSE(path_exists(test.roots.layers() + "/feedbeef"));
  EXPECT_FALSE(store.has_blob(Digest::of("x")));
}

TEST_F(StoreTest, APruneKeepsNobodyFromWorkingWhileItDeletes) {
  const std::string left = test.roots.layers() + "/feedbeef";
  ASSERT_TRUE(make_directories(left + "/diff"));
  const Fd directory = std::move(open_file(left + "/diff", O_RDONLY | O_DIRECTORY)).value();
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(open_at(directory.get(), std::to_string(i), O_WRONLY | O_CREAT, 0600));
  std::atomic<bool> could = false;
  {
    const Trash trash(test.roots.layers());
    const std::jthread worker([&](const std::stop_token& stop) {
      const Fd lock = std::move(open_file(test.roots.data + "/image.lock", O_RDWR | O_CREAT, 0600)).value();
      while (!stop.stop_requested() && !could) {
        if (path_exists(left) || ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0) continue;
        could = !trash.is_empty();
        ::flock(lock.get(), LOCK_UN);
      }
    });
    ASSERT_TRUE(store.prune({PruneOptions::Images::none, PruneOptions::Mode::act}));
  }
  EXPECT_TRUE(could);
  EXPECT_FALSE(path_exists(left));
}

TEST_F(StoreTest, ADraftThatIsNotCommittedLeavesNothing) {
  std::string path;
  {
    const LayerDraft draft = store.new_layer().value();
    path = draft.directory();
    EXPECT_TRUE(path_exists(path));
  }
  EXPECT_FALSE(path_exists(path));
}

TEST_F(StoreTest, ImportsAPackedRootFileSystem) {
  const TempDir directory;
  const std::string tar = TarBuilder().dir("etc").file("etc/issue", "hello").str();
  ImportOptions options;
  options.names = {named("base")};
  options.config.cmd = {"/bin/sh"};
  options.comment = "imported";
  const Fd in = file_with(directory, gzip(tar));
  const auto made = import_rootfs(store, in.get(), options);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->size, 5u);
  const ImageConfig config = store.config_of(*made).value();
  EXPECT_EQ(config.platform, Platform::host());
  EXPECT_EQ(read_file(store.layer_paths(*made).value()[0] + "/etc/issue").value(), "hello");
  // The same content again shares the layer.
  ASSERT_TRUE(import_rootfs(store, file_with(directory, tar).get(), options));
  EXPECT_EQ(store.layers_of(store.find("base").value()).value()[0].id, store.layers_of(*made).value()[0].id);
  EXPECT_EQ(store.prune({PruneOptions::Images::none, PruneOptions::Mode::act}).value().items.size(), 0u);
}

TEST_F(StoreTest, AFailedImportLeavesNothing) {
  const TempDir directory;
  const std::string tar = TarBuilder().file("ok", "1").file("../evil", "2").str();
  EXPECT_FALSE(import_rootfs(store, file_with(directory, tar).get(), {}));
  EXPECT_TRUE(store.list().value().empty());
  EXPECT_THAT(store.prune({PruneOptions::Images::none, PruneOptions::Mode::plan}).value().items, IsEmpty());
}

TEST_F(StoreTest, ExportMergesLayers) {
  const TempDir directory;
  const Image made = [&] {
    auto below = store.new_layer().value();
    EXPECT_TRUE(write_file_atomic(below.directory() + "/gone", "1"));
    EXPECT_TRUE(write_file_atomic(below.directory() + "/kept", "2"));
    auto above = store.new_layer().value();
    UnpackOptions options;
    EXPECT_TRUE(
        unpack_layer(source_of(TarBuilder().file(".wh.gone", "").file("new", "3").str()), above.directory(), options));
    const auto a = store.commit_layer(std::move(below)).value();
    const auto b = store.commit_layer(std::move(above)).value();
    // Many layers: together, their names are longer than one mount option allows.
    std::vector<std::string> ids{a.id, b.id};
    for (int i = 0; i < 20; ++i) ids.push_back(layer("kept", std::to_string(i)).id);
    return image(ids, {});
  }();
  const std::string path = directory / "out.tar";
  const Fd out = open_file(path, O_RDWR | O_CREAT).value();
  const auto exported = export_rootfs(store.layer_paths(made).value(), "", out.get());
  ASSERT_TRUE(exported) << exported.error().message();
  EXPECT_EQ(std::system(("test \"$(tar -tf " + path + " | tr '\\n' ' ')\" = 'kept new '").c_str()), 0);
}

// What a container changed, without the mount points.
TEST_F(StoreTest, CommitsAContainersDirectory) {
  const TempDir directory;
  const std::string upper = directory / "upper";
  ASSERT_TRUE(make_directories(upper));
  ASSERT_TRUE(unpack_layer(source_of(TarBuilder()
                                         .file("new", "1")
                                         .hard_link("same", "new")
                                         .file(".wh.gone", "")
                                         .file("etc/hosts", "")
                                         .file("etc/own", "2")
                                         .dir("proc")
                                         .str()),
                           upper, {}));
  const Image parent = image({layer("gone", "x").id}, {named("parent:1")});
  CommitOptions options;
  options.names = {named("committed:1")};
  options.config = store.config_of(parent).value();
  options.config.cmd = {"run"};
  options.comment = "why";
  options.leave_out = {"etc/hosts", "proc"};
  const auto made = commit_container(store, parent, upper, options);
  ASSERT_TRUE(made) << made.error().message();
  const auto paths = store.layer_paths(*made).value();
  ASSERT_EQ(paths.size(), 2u);
  EXPECT_EQ(lstat_path(paths[0] + "/same").value().st_nlink, 2u);
  EXPECT_TRUE(S_ISCHR(lstat_path(paths[0] + "/gone").value().st_mode));
  EXPECT_FALSE(path_exists(paths[0] + "/etc/hosts"));
  EXPECT_FALSE(path_exists(paths[0] + "/proc"));
  EXPECT_TRUE(path_exists(paths[0] + "/etc/own"));
  EXPECT_TRUE(path_exists(upper + "/etc/hosts"));  // the container keeps its own
  const ImageConfig config = store.config_of(*made).value();
  EXPECT_EQ(config.cmd, std::vector<std::string>{"run"});
  EXPECT_EQ(config.history.back().comment, "why");
}

TEST(ImageConfigText, IsReadAndWritten) {
  const std::string text =
      R"({"architecture":"amd64","os":"linux","created":"2026-01-01T00:00:00Z","config":{"Env":["A=b"],
    "Cmd":["x"],"Entrypoint":null,"ExposedPorts":{"80/tcp":{}},"Volumes":{"/d":{}},"Labels":{"k":"v"},"User":"u",
    "Healthcheck":{"Test":["CMD","true"],"Interval":1000000000,"Retries":3},"StopSignal":"SIGINT","OnBuild":["RUN x"]},
    "history":[{"created_by":"FROM","empty_layer":true}],"rootfs":{"type":"layers","diff_ids":[]},"unknown":1})";
  const auto config = parse_config(text);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->exposed_ports, std::vector<std::string>{"80/tcp"});
  EXPECT_EQ(config->healthcheck->interval, std::chrono::seconds(1));
  EXPECT_TRUE(config->history.at(0).empty_layer);
  const std::string written = format_config(*config);
  EXPECT_EQ(format_config(parse_config(written).value()), written);
  EXPECT_FALSE(parse_config(R"({"config":{"Env":"A","Cmd":{}}})"));
  EXPECT_FALSE(parse_config(R"([])"));
  EXPECT_FALSE(parse_config(R"({"rootfs":{"diff_ids":["sha256:../../../etc/passwd"]}})"));
}

}  // namespace
}  // namespace consort::image
