// Faults and attacks of a registry, or of a proxy in between: clear errors, no partial results, and received data is
// kept.
#include <sys/mount.h>
#include <zstd.h>

#include <random>

#include "base/sha256.hpp"
#include "fake_registry.hpp"
#include "image/http/challenge.hpp"

namespace consort::image {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

class HostileRegistry : public FakeRegistryTest {
 protected:
  // The pull must fail, and must leave no image, layer or blob. Returns the error.
  Error refused() {
    auto result = pull(test.store, server.name(), options);
    EXPECT_FALSE(result);
    EXPECT_THAT(test.store.list().value(), IsEmpty());
    const auto left = test.store.prune({PruneOptions::Images::unused, PruneOptions::Mode::plan}).value();
    for (const PruneItem& item : left.items) EXPECT_NE(item.kind, PruneItem::Kind::layer) << item.id;
    EXPECT_EQ(std::system(("test -z \"$(ls " + test.roots.layers() + ")\"").c_str()), 0);
    // Data that cannot be right must not even leave a compressed layer; an interrupted transfer is continued later.
    if (!result && result.error().code() == Code::invalid) {
      EXPECT_THAT(left.items, IsEmpty());
    }
    return result ? Error(Code::internal) : std::move(result).error();
  }
  std::string blob_path() { return "/v2/app/blobs/" + Digest::of(packed).text(); }
};

TEST_F(HostileRegistry, GoesOnWhereTheConnectionBroke) {
  const std::string tar = TarBuilder().file("data", noise(8 << 20, 1)).str();
  serve(tar);
  std::atomic<int> asked{0};
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path != blob_path() || asked++ > 0) return std::nullopt;
    return FakeAnswer{200, {}, packed, packed.size() / 2};
  };
  std::vector<Phase> phases;
  const auto pulled =
      pull(test.store, server.name(), options, [&](const ProgressEvent& event) { phases.push_back(event.phase); });
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_LT(server.blob_bytes_sent, packed.size() * 105 / 100);
  EXPECT_THAT(phases, testing::Contains(Phase::retrying));
}

// If an answer is not the requested content, only its beginning is read.
TEST_F(HostileRegistry, PagesWithoutAnEnd) {
  serve(TarBuilder().file("data", noise(1 << 20, 1)).str());
  const std::string real = blob_path();
  FakeAnswer endless{.status = 403, .headers = {}, .body = noise(1 << 16, 2), .chunked = true, .times = 2000};
  server.intercept = [&](const FakeRequest& request) {
    return request.path == real ? std::optional(endless) : std::nullopt;
  };
  EXPECT_THAT(refused().message(), HasSubstr("403"));
  EXPECT_LT(server.blob_bytes_sent, std::uint64_t{32} << 20);

  endless.status = 307;
  endless.headers = {"Location: http://" + server.host() + real + "?moved"};
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path == real + "?moved") return FakeAnswer{.headers = {}, .body = packed};
    return request.path == real ? std::optional(endless) : std::nullopt;
  };
  const auto pulled = pull(test.store, server.name(), options);
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_LT(server.blob_bytes_sent, std::uint64_t{64} << 20);
}

TEST_F(HostileRegistry, AConfigurationWithoutAnEndIsNotKeptInMemory) {
  Digest config = Digest::of("");
  serve(TarBuilder().file("data", "x").str(), [&](const Manifest& manifest) { config = manifest.config.digest; });
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path != "/v2/app/blobs/" + config.text()) return std::nullopt;
    return FakeAnswer{.headers = {}, .body = noise(1 << 16, 2), .chunked = true, .times = 2000};
  };
  const auto looked = inspect_remote(server.name(), registry);
  ASSERT_FALSE(looked);
  EXPECT_THAT(looked.error().message(), HasSubstr("the registry sends more than"));
  EXPECT_LT(server.blob_bytes_sent, std::uint64_t{32} << 20);
}

TEST_F(HostileRegistry, AnotherCommandGoesOnWhereThisOneWasStopped) {
  const std::string tar = TarBuilder().file("data", noise(8 << 20, 2)).str();
  serve(tar);
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path != blob_path()) return std::nullopt;
    if (!request.headers.contains("range")) return FakeAnswer{200, {}, packed, packed.size() / 2};
    return FakeAnswer{403, {}, "no"};  // not worth another attempt
  };
  EXPECT_EQ(refused().code(), Code::denied);
  const std::uint64_t before = server.blob_bytes_sent;
  EXPECT_GE(before, packed.size() / 2 - 200'000);
  server.intercept = nullptr;
  ASSERT_TRUE(pull(test.store, server.name(), options));
  EXPECT_LT(server.blob_bytes_sent, packed.size() * 105 / 100);
}

TEST_F(HostileRegistry, AServerThatIgnoresRangesIsUnderstood) {
  const std::string tar = TarBuilder().file("data", noise(1 << 20, 3)).str();
  serve(tar);
  std::atomic<int> asked{0};
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path != blob_path()) return std::nullopt;
    return FakeAnswer{200, {}, packed, asked++ == 0 ? packed.size() / 2 : std::string::npos};
  };
  const auto pulled = pull(test.store, server.name(), options);
  EXPECT_TRUE(pulled) << pulled.error().message();
}

TEST_F(HostileRegistry, OtherBytesThanPromised) {
  serve(TarBuilder().file("data", noise(100'000, 4)).str());
  std::string changed = packed;
  changed[changed.size() / 2] ^= 1;
  server.blobs[Digest::of(packed).text()] = changed;
  const Error error = refused();
  EXPECT_EQ(error.code(), Code::invalid);
  EXPECT_THAT(error.message(), AnyOf(HasSubstr("the content has the digest"), HasSubstr("damaged")));
  EXPECT_FALSE(test.store.has_blob(Digest::of(packed)));
  // The bad bytes are not continued from.
  server.blobs[Digest::of(packed).text()] = packed;
  EXPECT_TRUE(pull(test.store, server.name(), options));
}

TEST_F(HostileRegistry, AValidLayerThatIsNotTheOneOfTheConfiguration) {
  const std::string tar = TarBuilder().file("evil", "x").str();
  packed = gzip(tar);
  server.serve({packed}, {TarBuilder().file("good", "x").str()});
  EXPECT_THAT(refused().message(), HasSubstr("but the image's configuration names"));
}

TEST_F(HostileRegistry, ALayerThatIsCutOff) {
  const std::string tar = TarBuilder().file("data", noise(100'000, 5)).str();
  packed = gzip(tar).substr(0, 50'000);
  server.serve({packed}, {tar});
  EXPECT_THAT(refused().message(), HasSubstr("ends too early"));
}

TEST_F(HostileRegistry, LessThanDeclared) {
  serve(TarBuilder().file("data", noise(100'000, 6)).str(), [](Manifest& m) { m.layers[0].size += 1000; });
  EXPECT_THAT(refused().message(), AnyOf(HasSubstr("sends only"), HasSubstr("bytes that the manifest declares")));
}

// A damaged disk: the registry announces the whole layer, but always ends at the same position.
TEST_F(HostileRegistry, AlwaysCutAtTheSamePlace) {
  serve(TarBuilder().file("data", noise(1 << 20, 12)).str());
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path != blob_path()) return std::nullopt;
    const bool again = request.headers.contains("range");
    return FakeAnswer{again ? 206 : 200, {}, packed, again ? 0 : packed.size() / 2};
  };
  const Error error = refused();
  EXPECT_EQ(error.code(), Code::invalid);
  EXPECT_THAT(error.message(), HasSubstr("closes the connection after"));
}

// The answers of docker-registry for a truncated file: a shorter answer, then 416 with a wrong length.
TEST_F(HostileRegistry, TheRestIsOutOfRange) {
  serve(TarBuilder().file("data", noise(1 << 20, 13)).str());
  const std::string half = packed.substr(0, packed.size() / 2);
  std::atomic<int> asked{0};
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path != blob_path()) return std::nullopt;
    ++asked;
    return request.headers.contains("range") ? FakeAnswer{416, {}, half, 10} : FakeAnswer{200, {}, half};
  };
  EXPECT_THAT(refused().message(), HasSubstr("sends only " + std::to_string(half.size())));
  EXPECT_EQ(asked, 3);  // one more request for the whole, as it may not support ranges
}

TEST_F(HostileRegistry, MoreThanDeclared) {
  serve(TarBuilder().file("data", noise(100'000, 7)).str(), [](Manifest& m) { m.layers[0].size -= 1000; });
  EXPECT_THAT(refused().message(), AnyOf(HasSubstr("sends more than"), HasSubstr("ends too early")));
}

TEST_F(HostileRegistry, AZeroBombStopsAtTheLimit) {
  std::string bomb;
  auto writer = GzipWriter::create(sink_to(bomb)).value();
  TarHeader header{.path = "zero", .link = {}, .type = '0', .size = std::uint64_t{10} << 30, .xattrs = {}};
  std::string head;
  TarWriter tar(sink_to(head));
  ASSERT_TRUE(tar.add(header));
  ASSERT_TRUE(tar.finish());  // flushes; only zeros follow the header
  ASSERT_TRUE(writer.write(std::as_bytes(std::span(head))));
  const std::string zeros(1 << 20, '\0');
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(writer.write(std::as_bytes(std::span(zeros))));
  ASSERT_TRUE(writer.finish());
  packed = bomb;
  server.serve({bomb}, {"anything"});
  options.max_layer_bytes = 64 << 20;
  EXPECT_THAT(refused().message(), HasSubstr("larger than the limit of 64 MiB"));
}

TEST_F(HostileRegistry, TheLimitComesFromTheEnvironment) {
  serve(TarBuilder().file("data", noise(3 << 20, 11)).str());
  ::setenv("CONSORT_MAX_LAYER_SIZE", "2m", 1);
  EXPECT_THAT(refused().message(), HasSubstr("larger than the limit of 2 MiB"));
  ::setenv("CONSORT_MAX_LAYER_SIZE", "a lot", 1);
  EXPECT_THAT(refused().message(), HasSubstr("CONSORT_MAX_LAYER_SIZE"));
  ::setenv("CONSORT_MAX_LAYER_SIZE", "4M", 1);
  EXPECT_TRUE(pull(test.store, server.name(), options));
  ::unsetenv("CONSORT_MAX_LAYER_SIZE");
}

TEST_F(HostileRegistry, ZstdLayersAreUnpacked) {
  const std::string tar = TarBuilder().file("packed", "by zstd").str();
  packed.resize(ZSTD_compressBound(tar.size()));
  packed.resize(ZSTD_compress(packed.data(), packed.size(), tar.data(), tar.size(), 3));
  server.serve({packed}, {tar}, [](Manifest& manifest) {
    manifest.media_type = media::oci_manifest;
    manifest.config.media_type = media::oci_config;
    manifest.layers[0].media_type = media::oci_layer_zstd;
  });
  const auto pulled = pull(test.store, server.name(), options);
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(read_file(test.store.layer_paths(pulled->image).value().at(0) + "/packed").value(), "by zstd");
}

// The proxy gets full URLs, also with a name that only it can resolve.
TEST_F(HostileRegistry, AProxyIsUsed) {
  serve(TarBuilder().file("a", "1").str());
  std::atomic<int> through_proxy{0};
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path.starts_with("http://registry.invalid/")) ++through_proxy;
    return std::nullopt;
  };
  options.registry.insecure = {"registry.invalid"};
  const std::string proxy = "http://" + server.host();
  for (const char* variable : {"http_proxy", "HTTP_PROXY"}) {
    TestStore fresh;
    ::setenv(variable, proxy.c_str(), 1);
    through_proxy = 0;
    const auto pulled = pull(fresh.store, named("registry.invalid/app:1"), options);
    ::unsetenv(variable);
    EXPECT_TRUE(pulled) << variable << ": " << pulled.error().message();
    EXPECT_GE(through_proxy, 3) << variable;  // manifest, configuration, layer
  }
  EXPECT_FALSE(pull(test.store, named("registry.invalid/app:1"), options));
  // A registry on this machine is never accessed through a proxy.
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  EXPECT_TRUE(pull(test.store, server.name(), options));
  ::unsetenv("http_proxy");
}

TEST_F(HostileRegistry, AMaliciousLayerAmongGoodOnes) {
  const std::string good = TarBuilder().file("good", "1").str();
  const std::string evil = TarBuilder().file("../../outside", "2").str();
  server.serve({gzip(good), gzip(evil)}, {good, evil});
  EXPECT_FALSE(pull(test.store, server.name(), options));
  EXPECT_THAT(test.store.list().value(), IsEmpty());
  EXPECT_FALSE(path_exists(test.roots.data + "/outside"));
  // Part of the good one may be kept for the next attempt, depending on how far the two had come.
  const auto left = test.store.prune({PruneOptions::Images::unused, PruneOptions::Mode::plan}).value();
  for (const PruneItem& item : left.items) {
    EXPECT_NE(item.kind, PruneItem::Kind::image) << item.id;
    EXPECT_THAT(item.id + item.name, Not(HasSubstr(Digest::of(gzip(evil)).hex())));
  }
}

TEST_F(HostileRegistry, AManifestOfAnotherDigestThanAskedFor) {
  serve(TarBuilder().file("a", "1").str());
  const Digest asked = Digest::of("something else");
  server.manifests[asked.text()] = server.manifests["1"];
  const auto result = pull(test.store, named(server.host() + "/app@" + asked.text()), options);
  EXPECT_THAT(result.error().message(), HasSubstr("verify manifest"));
}

TEST_F(HostileRegistry, RateLimitsAreExplained) {
  server.intercept = [](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path == "/v2/") return std::nullopt;
    return FakeAnswer{429,
                      {"Retry-After: 3600"},
                      R"({"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]})"};
  };
  const Error error = refused();
  EXPECT_THAT(error.message(), HasSubstr("toomanyrequests: You have reached your pull rate limit"));
  EXPECT_THAT(error.hint_text(), HasSubstr("3600 s"));
}

TEST_F(HostileRegistry, PassingTroubleIsTriedAgain) {
  serve(TarBuilder().file("a", "1").str());
  std::atomic<int> count{0};
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path.find("/manifests/") == std::string::npos || count++ >= 2) return std::nullopt;
    return FakeAnswer{503, {}, "try later"};
  };
  EXPECT_TRUE(pull(test.store, server.name(), options));
  EXPECT_EQ(count, 3);
}

TEST_F(HostileRegistry, TokensAreFetchedAndUsed) {
  serve(TarBuilder().file("a", "1").str());
  const std::string realm = "http://" + server.host() + "/token";
  std::string token_request;
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path.starts_with("/token")) {
      token_request = request.path;
      return FakeAnswer{200, {}, R"({"token":"abc"})"};
    }
    const auto header = request.headers.find("authorization");
    if (header != request.headers.end() && header->second == "Bearer abc") return std::nullopt;
    return FakeAnswer{401, {"WWW-Authenticate: Bearer realm=\"" + realm + "\",service=\"the service\""}, ""};
  };
  const auto pulled = pull(test.store, server.name(), options);
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(token_request, "/token?service=the%20service&scope=repository%3Aapp%3Apull");
}

TEST_F(HostileRegistry, AnInterruptedPullLeavesNothing) {
  serve(TarBuilder().file("data", noise(4 << 20, 8)).str());
  std::stop_source stop;
  options.cancel = stop.get_token();
  const auto result = pull(test.store, server.name(), options, [&](const ProgressEvent& event) {
    if (event.phase == Phase::downloading) stop.request_stop();
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::interrupted);
  EXPECT_THAT(test.store.list().value(), IsEmpty());
}

TEST_F(HostileRegistry, AMissingLayerIsNotTakenForAMissingImage) {
  serve(TarBuilder().file("a", "1").str());
  server.blobs.erase(Digest::of(packed).text());
  const Error error = refused();
  EXPECT_THAT(error.message(), HasSubstr("layer " + Digest::of(packed).short_hex()));
  EXPECT_THAT(error.message(), testing::Not(HasSubstr("repository")));
}

TEST_F(HostileRegistry, TwoCommandsFetchALayerOnce) {
  serve(TarBuilder().file("data", noise(4 << 20, 9)).str());
  Store second = std::move(Store::open(test.roots)).value();
  Result<PullResult> other = fail(Code::internal, "not run");
  {
    const std::jthread thread([&] { other = pull(second, server.name(), options); });
    const auto mine = pull(test.store, server.name(), options);
    EXPECT_TRUE(mine) << mine.error().message();
  }
  ASSERT_TRUE(other) << other.error().message();
  EXPECT_LT(server.blob_bytes_sent, packed.size() * 105 / 100);
  EXPECT_EQ(test.store.list().value().size(), 1u);
  EXPECT_THAT(test.store.prune({PruneOptions::Images::none, PruneOptions::Mode::plan}).value().items, IsEmpty());
}

// A separate file system that is too small for the layer.
TEST_F(HostileRegistry, AFullDiskIsToldAndLeftAsItWas) {
  const TempDir small;
  ASSERT_TRUE(make_directories(small / "data"));
  if (::mount("tmpfs", (small / "data").c_str(), "tmpfs", 0, "size=3m,mode=700") != 0)
    GTEST_SKIP() << "needs to mount a tmpfs";
  serve(TarBuilder().file("data", noise(2 << 20, 10)).str());
  {
    const Roots roots{small / "data", small / "run"};
    ASSERT_TRUE(roots.prepare());
    Store store = std::move(Store::open(roots)).value();
    const auto result = pull(store, server.name(), options);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().sys_errno(), ENOSPC) << result.error().message();
    EXPECT_THAT(store.list().value(), IsEmpty());
    EXPECT_EQ(std::system(("test -z \"$(ls " + roots.layers() + ")\"").c_str()), 0);
  }
  EXPECT_EQ(::umount((small / "data").c_str()), 0);
}

TEST_F(HostileRegistry, IndexesChooseThePlatform) {
  serve(TarBuilder().file("a", "1").str());
  const std::string manifest = server.manifests["1"];
  const Digest digest = Digest::of(manifest);
  server.manifests[digest.text()] = manifest;
  server.manifests["1"] =
      R"({"schemaVersion":2,"manifests":[
    {"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2,"digest":"sha256:)" +
      std::string(64, 'a') +
      R"(","platform":{"os":"linux","architecture":"s390x"}},{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2,"digest":")" +
      digest.text() + R"(","platform":{"os":"linux","architecture":")" + Platform::host().architecture + R"("}}]})";
  const auto pulled = pull(test.store, server.name(), options);
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(pulled->manifest, Digest::of(server.manifests["1"]));
  options.platform = Platform::parse("linux/riscv64").value();
  const Error error = std::move(pull(test.store, server.name(), options)).error();
  EXPECT_THAT(error.message(), HasSubstr("no matching manifest for linux/riscv64"));
  EXPECT_THAT(error.hint_text(), HasSubstr("linux/s390x"));
}

TEST(Challenges, AreParsed) {
  const auto found =
      parse_challenges("Basic realm=\"a, b\", Bearer realm=\"https://x/t\",service=s,scope=\"repository:a:pull,push\"");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].parameters.at("realm"), "a, b");
  EXPECT_EQ(found[1].scheme, "bearer");
  EXPECT_EQ(found[1].parameters.at("scope"), "repository:a:pull,push");
  EXPECT_TRUE(parse_challenges("").empty());
  EXPECT_TRUE(parse_challenges("\"\"==,,").empty());
}

}  // namespace
}  // namespace consort::image
