#include "image/reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "image/platform.hpp"

namespace consort::image {
namespace {

struct Good {
  const char *text, *full, *familiar;
};

// If it were printed by its bytes, the name of a test would change with every run.
void PrintTo(const Good& good, std::ostream* out) {
  *out << good.text;
}

class GoodReference : public testing::TestWithParam<Good> {};

TEST_P(GoodReference, PrintsBothForms) {
  const auto reference = Reference::parse(GetParam().text);
  ASSERT_TRUE(reference) << reference.error().message();
  EXPECT_EQ(reference->full(), GetParam().full);
  EXPECT_EQ(reference->familiar(), GetParam().familiar);
  EXPECT_EQ(Reference::parse(reference->full()).value(), *reference);
  EXPECT_EQ(Reference::parse(reference->familiar()).value(), *reference);
}

constexpr const char* digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

INSTANTIATE_TEST_SUITE_P(
    All, GoodReference,
    testing::Values(
        Good{"postgres", "docker.io/library/postgres:latest", "postgres:latest"},
        Good{"postgres:15-alpine", "docker.io/library/postgres:15-alpine", "postgres:15-alpine"},
        Good{"docker.io/a.b/c:1", "docker.io/a.b/c:1", "docker.io/a.b/c:1"},  // found by fuzzing
        Good{"user/app:1", "docker.io/user/app:1", "user/app:1"},
        Good{"docker.io/postgres:15", "docker.io/library/postgres:15", "postgres:15"},
        Good{"index.docker.io/library/postgres", "docker.io/library/postgres:latest", "postgres:latest"},
        Good{"localhost/app", "localhost/app:latest", "localhost/app:latest"},
        Good{"localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"},
        Good{"127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000/a/b/c:x"},
        Good{"[::1]:5000/a:x", "[::1]:5000/a:x", "[::1]:5000/a:x"},
        Good{"a__b/c-d.e_f:_T.1-2", "docker.io/a__b/c-d.e_f:_T.1-2", "a__b/c-d.e_f:_T.1-2"},
        Good{"REG/app:1", "REG/app:1", "REG/app:1"},
        Good{"app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
             "docker.io/library/app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
             "app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
        Good{"app:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
             "docker.io/library/app:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
             "app:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}));

TEST(Reference, RefusesWhatDockerRefuses) {
  for (const char* text : {"", ":tag", "a:", "a:b:c/", "a//b", "/a", "a/", "-a", "a-", "a..b", "a___b", "a@sha256:12",
                           "a b", "a:t@", "https://x.org/a", "x.org:99999/a", "a:\n", "a:.x"})
    EXPECT_FALSE(Reference::parse(text)) << text;
  EXPECT_FALSE(Reference::parse(std::string(256, 'a')));
  EXPECT_FALSE(Reference::parse("a:" + std::string(129, 'a')));
  EXPECT_EQ(Reference::parse("a/Foo").error().message(),
            "invalid reference format: repository name (a/Foo) must be lowercase");
  EXPECT_EQ(Reference::parse("x y").error().message(), "invalid reference format");
  EXPECT_THAT(Reference::parse(std::string(64, 'a')).error().message(), testing::HasSubstr("64-byte hexadecimal"));
}

TEST(Digest, TakesOnlySha256) {
  EXPECT_TRUE(Digest::parse(digest));
  EXPECT_FALSE(Digest::parse("sha512:" + std::string(128, 'a')));
  EXPECT_FALSE(Digest::parse("sha256:" + std::string(63, 'a')));
  EXPECT_FALSE(Digest::parse("sha256:" + std::string(64, 'A')));
  EXPECT_FALSE(Digest::parse("sha256:" + std::string(62, 'a') + "/."));
}

TEST(Platform, ParsesAndMatches) {
  EXPECT_EQ(Platform::parse("aarch64").value().text(), "linux/arm64");
  EXPECT_EQ(Platform::parse("linux/arm64/v8").value().text(), "linux/arm64");
  EXPECT_EQ(Platform::parse("linux/arm").value().text(), "linux/arm/v7");
  EXPECT_FALSE(Platform::parse("linux//v8"));
  EXPECT_FALSE(Platform::parse("a/b/c/d"));
  const Platform amd64{"linux", "amd64", ""};
  EXPECT_GT(match(amd64, amd64), match(amd64, {"linux", "386", ""}));
  EXPECT_GT(match(amd64, {"linux", "386", ""}), 0);
  EXPECT_EQ(match(amd64, {"linux", "arm64", ""}), 0);
  EXPECT_EQ(match(amd64, {"windows", "amd64", ""}), 0);
  const Platform v7{"linux", "arm", "v7"};
  EXPECT_GT(match(v7, {"linux", "arm", "v6"}), match(v7, {"linux", "arm", "v5"}));
  EXPECT_EQ(match({"linux", "arm", "v6"}, v7), 0);
}

}  // namespace
}  // namespace consort::image
