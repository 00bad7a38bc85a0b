// Caches exchanged between machines: their names, their records, and builds that use them.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "build/cache/records.hpp"
#include "build/cache_spec.hpp"
#include "image/artifact.hpp"
#include "support.hpp"

namespace consort::build {
namespace {

using test::World;
using testing::AllOf;
using testing::HasSubstr;

const std::string key(64, 'a');

CacheSpec one(const std::string& text, CacheSide side) {
  const auto specs = parse_cache_spec(text, side);
  EXPECT_TRUE(specs) << specs.error().message();
  return specs && specs->size() == 1 ? specs->front() : CacheSpec{};
}

std::string refusal(const std::string& text, CacheSide side) {
  const auto specs = parse_cache_spec(text, side);
  return specs ? "accepted" : specs.error().message();
}

TEST(CacheSpecs, AreReadAsBuildxReadsThem) {
  EXPECT_EQ(one("host:5000/app:cache", CacheSide::from).reference, "host:5000/app:cache");
  EXPECT_EQ(parse_cache_spec("a,b", CacheSide::from)->size(), 2U);
  const CacheSpec to = one("type=registry,ref=host/app:c,mode=max,ignore-error=true,compression=zstd", CacheSide::to);
  EXPECT_EQ(to.reference, "host/app:c");
  EXPECT_EQ(to.mode, CacheSpec::Mode::max);
  EXPECT_EQ(to.on_error, CacheSpec::OnError::go_on);
  const CacheSpec local = one("type=local,\"src=a,b\",tag=t", CacheSide::from);
  EXPECT_EQ(local.directory, "a,b");
  EXPECT_EQ(local.tag, "t");
  EXPECT_EQ(one("type=local,dest=d", CacheSide::to).mode, CacheSpec::Mode::min);
  EXPECT_EQ(one("type=inline", CacheSide::to).type, CacheSpec::Type::inline_);
  EXPECT_EQ(one("type=gha,scope=x", CacheSide::to).type, CacheSpec::Type::unsupported);
  EXPECT_EQ(one("type=gha,scope=x", CacheSide::to).type_name, "gha");
}

TEST(CacheSpecs, ThatSayTooLittleAreRefused) {
  EXPECT_THAT(refusal("ref=a", CacheSide::from), HasSubstr("type required"));
  EXPECT_THAT(refusal("type=registry", CacheSide::from), HasSubstr("ref is missing"));
  EXPECT_THAT(refusal("type=local,dest=x", CacheSide::from), HasSubstr("src is missing"));
  EXPECT_THAT(refusal("type=local,src=x", CacheSide::to), HasSubstr("dest is missing"));
  EXPECT_THAT(refusal("type=local,dest=x,mode=most", CacheSide::to), HasSubstr("it is min or max"));
  EXPECT_THAT(refusal("type=registry,ref=app/UPPER", CacheSide::to), HasSubstr("lowercase"));
  EXPECT_THAT(refusal("type=registry,ref=a@sha256:" + key, CacheSide::to), HasSubstr("give a tag"));
  EXPECT_THAT(refusal("type=local,src=x,digest=sha256:12", CacheSide::from), HasSubstr("invalid digest"));
}

CacheRecords some_records() {
  CacheRecords records;
  records.diff_ids = {image::Digest::of("one"), image::Digest::of("two")};
  const SystemTime time = *parse_rfc3339("2026-11-22T16:56:41.081514164Z");
  records.steps = {{key, "0123abcd", time, 1}, {std::string(64, 'b'), key, time, 0}};
  return records;
}

TEST(CacheRecords, ComeBackAsTheyWere) {
  const CacheRecords before = some_records();
  const auto after = parse_records(format_records(before));
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_EQ(after->diff_ids, before.diff_ids);
  ASSERT_EQ(after->steps.size(), 2U);
  EXPECT_EQ(after->steps[0].key, key);
  EXPECT_EQ(after->steps[0].output, "0123abcd");
  EXPECT_EQ(after->steps[0].created, before.steps[0].created);
  EXPECT_EQ(after->steps[0].layer, 1U);
  EXPECT_EQ(format_records(*after), format_records(before));
}

TEST(CacheRecords, OfHostileOriginAreRefused) {
  const std::string good = format_records(some_records());
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"\"layer\":1", "\"layer\":2"},
                                 {"\"layer\":1", "\"layer\":-1"},
                                 {"\"layer\":1", "\"layer\":\"1\""},
                                 {key, std::string(64, '.')},
                                 {key, std::string(63, 'a')},
                                 {"0123abcd", "../../etc"},
                                 {"0123abcd", ""},
                                 {"2026-11-22T", "yesterday"},
                                 {"2026-11-22T", "9999-11-22T"},
                                 {"sha256:", "sha512:"},
                                 {"\"version\":1", "\"version\":2"},
                                 {"\"steps\":[", "\"steps\":[7,"}}) {
    std::string text = good;
    ASSERT_NE(text.find(from), std::string::npos) << from;
    EXPECT_FALSE(parse_records(text.replace(text.find(from), from.size(), to))) << from << " -> " << to;
  }
  EXPECT_FALSE(parse_records("[]"));
  EXPECT_FALSE(parse_records(good.substr(0, good.size() / 2)));
}

TEST(CacheRecords, InAnImageTakeItsLayers) {
  image::ImageConfig config;
  config.platform = image::Platform::host();
  config.diff_ids = some_records().diff_ids;
  EXPECT_FALSE(parse_inline_records(image::format_config(config))->has_value());
  config.build_cache = format_inline_records(some_records().steps);
  const std::string text = image::format_config(config);
  const auto records = parse_inline_records(text);
  ASSERT_TRUE(records && *records);
  EXPECT_EQ((*records)->diff_ids, config.diff_ids);
  EXPECT_EQ((*records)->steps.size(), 2U);
  EXPECT_EQ(image::parse_config(text)->build_cache, "") << "an image that begins with this one has other steps";
  EXPECT_EQ(other_builder("application/vnd.oci.image.config.v1+json", text), "");
  EXPECT_EQ(other_builder("application/vnd.buildkit.cacheconfig.v0", ""), "BuildKit");
}

TEST(LayoutPlaces, AreDirectoryTagAndDigest) {
  const std::string digest = "sha256:" + key;
  EXPECT_EQ(image::LayoutPlace::parse("/a/b")->directory, "/a/b");
  EXPECT_EQ(image::LayoutPlace::parse("/a:1/b")->directory, "/a:1/b");
  EXPECT_EQ(image::LayoutPlace::parse("/a/b:tag")->tag, "tag");
  EXPECT_EQ(image::LayoutPlace::parse("/a/b@" + digest)->digest->text(), digest);
  EXPECT_EQ(image::LayoutPlace::parse("/a/b:tag@" + digest)->directory, "/a/b");
  EXPECT_FALSE(image::LayoutPlace::parse("/a/b@sha256:12"));
}

// Two stores stand for two machines.
class Exchange : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    here_ = World::make(why);
    there_ = here_ ? World::make(why) : nullptr;
    if (!there_) GTEST_SKIP() << why;
    // The base is created on each machine, with its own times: it must be the same image on both.
    const std::string layout = here_->new_directory();
    const auto base = here_->store().find("bb:1");
    ASSERT_TRUE(base);
    const auto layers = here_->store().layers_of(*base);
    image::NewArtifact artifact{"application/vnd.oci.image.config.v1+json", here_->store().raw_config_of(*base).value(),
                                *layers};
    ASSERT_TRUE(image::write_artifact(here_->store(), layout, "base", artifact));
    wanted_.additional_contexts = {{"base", "oci-layout://" + layout + ":base"}};
    cache_ = here_->new_directory();
    wanted_.context = here_->new_directory();
    here_->write(wanted_.context + "/a", "one");
    wanted_.dockerfile_inline =
        "FROM base AS make\nRUN date +%N > /made; head -c 9 /dev/urandom > /random\n"
        "FROM base\nCOPY a /a\nRUN head -c 9 /dev/urandom > /own\nCOPY --from=make /random /random\n";
  }
  BuildRequest with(std::vector<std::string> from, std::vector<std::string> to) const {
    BuildRequest request = wanted_;
    request.cache_from = std::move(from);
    request.cache_to = std::move(to);
    return request;
  }
  static std::string reasons(const BuildResult& built) {
    std::string text;
    for (const auto& each : built.explanations) text += each.step + ": " + each.reason + "\n";
    return text;
  }
  // The blobs of the layers, which the tests damage. They are recognized by size; the config and the manifest are left
  // out.
  std::vector<std::string> layer_blobs() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(cache_ + "/blobs/sha256")) {
      std::ifstream file(entry.path(), std::ios::binary);
      if (file.get() == 0x1f) paths.push_back(entry.path());
    }
    return paths;
  }
  Result<std::unique_ptr<image::Artifact>> exported(const std::string& tag) {
    return image::open_artifact(here_->store(), image::LayoutPlace{cache_, tag, {}}, {});
  }
  std::unique_ptr<World> here_, there_;
  std::string cache_;
  BuildRequest wanted_;
};

TEST_F(Exchange, AnotherMachineRunsNothing) {
  const auto first = here_->build(with({}, {"type=local,mode=max,dest=" + cache_}));
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->steps_cached, 0);
  EXPECT_THAT(here_->built, testing::Contains("exporting cache to client directory"));
  const auto second = there_->build(with({"type=local,src=" + cache_}, {}));
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(second->steps_cached, second->steps_total) << there_->output << reasons(*second);
  EXPECT_EQ(second->image_id, first->image_id) << "it is the very image";
  EXPECT_THAT(second->explanations[0].reason, HasSubstr("imported from local:" + cache_));
  EXPECT_THAT(there_->built, testing::Contains("importing cache manifest from local:" + cache_));
  // It is now in the machine's own cache, and no other cache is asked.
  const auto third = there_->build(with({"type=local,src=/nowhere"}, {}));
  ASSERT_TRUE(third);
  EXPECT_EQ(third->image_id, first->image_id);
  EXPECT_EQ(third->steps_cached, third->steps_total);
  EXPECT_THAT(there_->output, testing::Not(HasSubstr("importing")));
}

TEST_F(Exchange, MinHoldsOnlyTheImagesLayers) {
  ASSERT_TRUE(here_->build(with({}, {"type=local,dest=" + cache_})));
  EXPECT_EQ(layer_blobs().size(), 3U);
  const auto second = there_->build(with({"type=local,src=" + cache_}, {}));
  ASSERT_TRUE(second) << second.error().message();
  // The other stage runs again, and gives a different result.
  EXPECT_EQ(second->steps_cached, 2) << reasons(*second);
}

// A single cache holds the steps for all platforms, and shared steps only once.
TEST_F(Exchange, OfSeveralPlatformsIsOneCache) {
  wanted_.platforms = {"linux/s390x", image::Platform::host().text()};
  wanted_.tags = {"app:1"};
  wanted_.dockerfile_inline =
      "FROM --platform=$BUILDPLATFORM base AS make\nRUN head -c 9 /dev/urandom > /random\n"
      "FROM make AS each\nARG TARGETARCH\nRUN echo $TARGETARCH > /arch; head -c 9 /dev/urandom >> /arch\n"
      "FROM scratch\nCOPY --from=each /arch /random /\n";
  const auto first = here_->build(with({}, {"type=local,mode=max,dest=" + cache_}));
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->steps_cached, 0);
  EXPECT_EQ(layer_blobs().size(), 5U) << "one RUN for both, then a RUN and a COPY for each";
  const auto second = there_->build(with({"type=local,src=" + cache_}, {}));
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(second->steps_cached, second->steps_total) << reasons(*second);
  for (const std::string& platform : wanted_.platforms) {
    const auto parsed = image::Platform::parse(platform).value();
    const auto here = here_->store().find("app:1", parsed);
    const auto there = there_->store().find("app:1", parsed);
    ASSERT_TRUE(here && there) << platform;
    EXPECT_EQ(here->id, there->id) << platform;
  }
}

TEST_F(Exchange, OfSeveralPlatformsWithMinHoldsEachImagesLayers) {
  wanted_.platforms = {"linux/s390x", image::Platform::host().text()};
  wanted_.dockerfile_inline =
      "FROM --platform=$BUILDPLATFORM base AS make\nARG TARGETARCH\nRUN echo $TARGETARCH > /arch\n"
      "FROM scratch\nCOPY --from=make /arch /\n";
  ASSERT_TRUE(here_->build(with({}, {"type=local,dest=" + cache_})));
  EXPECT_EQ(layer_blobs().size(), 2U);
}

TEST_F(Exchange, TheSameCacheIsWrittenAgainAndAnotherTagStays) {
  const std::string to = "type=local,mode=max,dest=" + cache_;
  ASSERT_TRUE(here_->build(with({}, {to})));
  const std::string index = read_file(cache_ + "/index.json").value();
  ASSERT_TRUE(here_->build(with({}, {to})));
  EXPECT_EQ(read_file(cache_ + "/index.json").value(), index);
  ASSERT_TRUE(here_->build(with({}, {to + ",tag=other,mode=min"})));
  for (const char* tag : {"latest", "other"}) EXPECT_TRUE(exported(tag));
  const auto missing = exported("third");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().hint_text(), AllOf(HasSubstr("latest"), HasSubstr("other")));
}

TEST_F(Exchange, ADamagedLayerIsSaidAndTheStepIsRun) {
  ASSERT_TRUE(here_->build(with({}, {"type=local,mode=max,dest=" + cache_})));
  for (const std::string& path : layer_blobs()) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
    file.put(static_cast<char>(file.get() ^ 0x55));
  }
  const auto second = there_->build(with({"type=local,src=" + cache_}, {}));
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(second->steps_cached, 0);
  EXPECT_THAT(there_->output, HasSubstr("cannot be used here"));
}

TEST_F(Exchange, ACacheThatLiesAboutALayersContentIsNotBelieved) {
  ASSERT_TRUE(here_->build(with({}, {"type=local,dest=" + cache_})));
  // The records of one build with the layers of another: every digest is right, but the diff IDs are not.
  const auto honest = exported("");
  ASSERT_TRUE(honest);
  const auto base = here_->store().find("bb:1");
  const auto layers = here_->store().layers_of(*base).value();
  image::NewArtifact lie{std::string(cache_config_type), (*honest)->config(), {layers[0], layers[0], layers[0]}};
  ASSERT_TRUE(image::write_artifact(here_->store(), cache_, "latest", lie));
  const auto second = there_->build(with({"type=local,src=" + cache_}, {}));
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(second->steps_cached, 0) << reasons(*second);
  EXPECT_THAT(there_->output, HasSubstr("but the image's configuration names"));
}

TEST_F(Exchange, WhatIsNoCacheOfOursIsLeftAlone) {
  const auto base = here_->store().find("bb:1");
  const auto layers = here_->store().layers_of(*base).value();
  image::NewArtifact other{"application/vnd.buildkit.cacheconfig.v0", "{\"layers\":[],\"records\":[]}", layers};
  ASSERT_TRUE(image::write_artifact(here_->store(), cache_, "latest", other));
  auto environment = there_->environment();
  std::vector<std::string> errors;
  environment.progress = [&](const ProgressEvent& event) {
    if (event.state == StepState::error) errors.push_back(event.text + ": " + event.message);
  };
  const auto built = build(with({"type=local,src=" + cache_, "type=local,src=/nowhere", "type=gha"}, {}), environment);
  ASSERT_TRUE(built) << built.error().message();
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_THAT(errors[0], HasSubstr("another builder (BuildKit)"));
  EXPECT_THAT(errors[1], HasSubstr("importing cache manifest from local:/nowhere: "));
}

TEST_F(Exchange, AnExportThatFailsIsAnErrorUnlessItMayBeIgnored) {
  here_->write(cache_ + "/index.json", "{\"schemaVersion\":2,\"layers\":[]}");
  const auto failed = here_->build(with({}, {"type=local,dest=" + cache_}));
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), HasSubstr("export build cache " + cache_));
  const auto ignored = here_->build(with({}, {"type=local,ignore-error=true,dest=" + cache_}));
  EXPECT_TRUE(ignored) << ignored.error().message();
  EXPECT_FALSE(here_->build(with({}, {"type=local"}))) << "an entry that says too little";
}

TEST_F(Exchange, ALayoutIsABaseAndGivesTheSameImageAsTheOriginal) {
  wanted_.dockerfile_inline = "FROM base\nCOPY a /a\n";
  const auto here = here_->build(wanted_);
  ASSERT_TRUE(here) << here.error().message();
  const auto again = there_->build(wanted_);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(there_->store().list()->size(), 2U) << "bb:1 and what was built: the layout's image is not listed";
  EXPECT_EQ(there_->build(wanted_)->image_id, again->image_id);
  wanted_.dockerfile_inline = "FROM scratch\nCOPY --from=base /bin/busybox /busybox\n";
  EXPECT_TRUE(there_->build(wanted_));
  wanted_.additional_contexts[0].value += "x";
  const auto missing = there_->build(wanted_);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("could not find tag \"basex\""));
}

TEST_F(Exchange, InlineRecordsChangeTheImageOnceAndAreNotInherited) {
  wanted_.tags = {"made:1"};
  const auto plain = here_->build(wanted_);
  const auto first = here_->build(with({}, {"type=inline"}));
  ASSERT_TRUE(plain && first);
  EXPECT_NE(first->image_id, plain->image_id);
  EXPECT_EQ(here_->build(with({}, {"type=inline"}))->image_id, first->image_id);
  const auto image = here_->store().find("made:1");
  const auto records = parse_inline_records(here_->store().raw_config_of(*image).value());
  ASSERT_TRUE(records && *records);
  EXPECT_EQ((*records)->steps.size(), 3U);
  wanted_.dockerfile_inline = "FROM made:1\nCOPY a /b\n";
  const auto child = here_->build(wanted_);
  ASSERT_TRUE(child);
  EXPECT_FALSE(
      parse_inline_records(here_->store().raw_config_of(*here_->store().find(child->image_id)).value())->has_value());
}

}  // namespace
}  // namespace consort::build
