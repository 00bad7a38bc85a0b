// Texts stored in a registry.
#include "image/documents.hpp"

#include <gmock/gmock.h>

#include "fake_registry.hpp"

namespace consort::image {
namespace {

using testing::HasSubstr;

class TextsAtARegistry : public FakeRegistryTest {
 protected:
  // Stores a pushed manifest as a registry would.
  void keep(const std::string& tag, const std::string& manifest) { server.manifests[tag] = manifest; }
  std::string descriptor(const std::string& type, const std::string& content, const std::string& more = "") {
    server.blobs[Digest::of(content).text()] = content;
    return R"({"mediaType":")" + type + R"(","digest":")" + Digest::of(content).text() + R"(","size":)" +
           std::to_string(content.size()) + more + "}";
  }
  std::string manifest(const std::string& layers) {
    return R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"a/b","config":)" +
           descriptor("c/d", "{}") + R"(,"layers":[)" + layers + "]}";
  }
};

TEST_F(TextsAtARegistry, AreReadWithTheirTypesAndAnnotations) {
  keep("1",
       manifest(descriptor("e/f", "hello\n", R"(,"annotations":{"name":"x.yaml"})") + "," + descriptor("e/f", "")));
  const auto fetched =
      fetch_documents(server.name(), registry, [](const Documents& d) { return d.artifact_type == "a/b"; });
  ASSERT_TRUE(fetched) << fetched.error().message();
  ASSERT_EQ(fetched->documents.layers.size(), 2U);
  EXPECT_EQ(fetched->documents.layers[0].content, "hello\n");
  EXPECT_EQ(fetched->documents.layers[0].annotations.at("name"), "x.yaml");
  EXPECT_EQ(fetched->documents.config_type, "c/d");
}

TEST_F(TextsAtARegistry, WhatIsNotWantedIsNotFetched) {
  keep("1", manifest(descriptor("e/f", "hello\n")));
  const auto fetched = fetch_documents(server.name(), registry, [](const Documents&) { return false; });
  ASSERT_TRUE(fetched);
  EXPECT_TRUE(fetched->documents.layers.empty());
  EXPECT_EQ(server.count("/blobs/"), 0U);
}

TEST_F(TextsAtARegistry, AreWhatTheManifestSays) {
  const std::string layer = descriptor("e/f", "hello\n");
  keep("1", manifest(layer));
  server.blobs[Digest::of("hello\n").text()] = "evil!\n";
  const auto fetched = fetch_documents(server.name(), registry, [](const Documents&) { return true; });
  ASSERT_FALSE(fetched);
  EXPECT_THAT(fetched.error().message(), HasSubstr("another digest"));
}

}  // namespace
}  // namespace consort::image
