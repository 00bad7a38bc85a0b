// Content that old clients left in registries, and unrequested behavior of registries and of the servers in front of
// them.
#include "fake_registry.hpp"

namespace consort::image {
namespace {

using testing::HasSubstr;

class OldRegistry : public FakeRegistryTest {
 protected:
  void serve(const std::function<void(Manifest&)>& change = {}) {
    std::string content;
    for (unsigned i = 0; i < 300'000; ++i) content += static_cast<char>((i * 2654435761U) >> 11);
    const std::string tar = TarBuilder().file("data", content).str();
    packed = gzip(tar);
    server.serve({packed}, {tar}, change);
  }
  void is_pulled(const std::string& what) {
    TestStore fresh;
    const auto pulled = pull(fresh.store, server.name(), options);
    EXPECT_TRUE(pulled) << what << ": " << (pulled ? "" : pulled.error().message());
  }
  bool is_layer(const FakeRequest& request) const { return request.path.ends_with(Digest::of(packed).text()); }
};

TEST_F(OldRegistry, TypesThatSayNothing) {
  for (const char* type : {"application/octet-stream", "text/html", ""}) {
    serve([&](Manifest& manifest) { manifest.config.media_type = type; });
    is_pulled(type);
  }
  serve([](Manifest& manifest) { manifest.layers[0].media_type = "application/octet-stream"; });
  is_pulled("layer");
  serve([](Manifest& manifest) { manifest.config.media_type = "application/vnd.cncf.helm.config.v1+json"; });
  TestStore fresh;
  EXPECT_THAT(pull(fresh.store, server.name(), options).error().message(), HasSubstr("it is not a container image"));
}

TEST_F(OldRegistry, IndexesInIndexes) {
  serve();
  std::string inner = server.manifests["1"];
  const auto wrap = [&](const std::string& type) {
    const std::string digest = Digest::of(inner).text();
    server.manifests[digest] = inner;
    inner = R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":")" +
            type + R"(","size":2,"digest":")" + digest + "\"}]}";
    server.manifests["1"] = inner;
  };
  wrap("application/vnd.oci.image.manifest.v1+json");
  wrap("application/vnd.oci.image.index.v1+json");
  is_pulled("two");
  for (int i = 0; i < 3; ++i) wrap("application/vnd.oci.image.index.v1+json");
  TestStore fresh;
  EXPECT_THAT(pull(fresh.store, server.name(), options).error().message(), HasSubstr("nested too deeply"));
}

// A server in front of the registry compresses the answer, with and without a length, or only labels it as compressed.
TEST_F(OldRegistry, AnEncodingThatNobodyAskedFor) {
  serve();
  for (const bool chunked : {false, true}) {
    server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
      const std::string last = request.path.substr(request.path.rfind('/') + 1);
      const auto& from = request.path.contains("/blobs/") ? server.blobs : server.manifests;
      if (!from.contains(last)) return std::nullopt;
      FakeAnswer answer{
          200, {"Content-Encoding: gzip", "Content-Type: " + std::string(media::docker_manifest)}, gzip(from.at(last))};
      answer.chunked = chunked;
      return answer;
    };
    is_pulled(chunked ? "without length" : "with length");
  }
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (!is_layer(request)) return std::nullopt;
    return FakeAnswer{200, {"Content-Encoding: gzip"}, packed};
  };
  is_pulled("called so");
}

// Also if interrupted: then the whole layer is requested again, because a range would be a part of the encoded form.
TEST_F(OldRegistry, AnEncodedLayerThatIsCutOff) {
  serve();
  std::atomic<int> asked{0};
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (!is_layer(request)) return std::nullopt;
    EXPECT_FALSE(request.headers.contains("range"));
    FakeAnswer answer{200, {"Content-Encoding: gzip"}, gzip(packed)};
    if (asked++ == 1) answer.cut_after = answer.body.size() / 2;
    return answer;
  };
  is_pulled("cut");
  EXPECT_EQ(asked, 3);
}

TEST_F(OldRegistry, APartThatItRefusesIsAskedForAsAWhole) {
  serve();
  std::atomic<int> asked{0};
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (!is_layer(request)) return std::nullopt;
    if (request.headers.contains("range")) return FakeAnswer{416, {}, ""};
    return FakeAnswer{200, {}, packed, asked++ == 0 ? packed.size() / 2 : std::string::npos};
  };
  is_pulled("416");
  EXPECT_EQ(asked, 2);
}

TEST_F(OldRegistry, TokensUnderEitherName) {
  serve();
  for (const char* token :
       {R"({"token":"","access_token":"abc"})", R"({"access_token":"abc"})", R"({"token":"abc","access_token":""})"}) {
    server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
      if (request.path.starts_with("/token")) return FakeAnswer{200, {}, token};
      if (request.header("authorization") == "Bearer abc") return std::nullopt;
      return FakeAnswer{401, {"WWW-Authenticate: Bearer realm=\"http://" + server.host() + "/token\""}, ""};
    };
    is_pulled(token);
  }
}

}  // namespace
}  // namespace consort::image
