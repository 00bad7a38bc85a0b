// registries.conf and Docker's config.json.
#include "../facilities.hpp"
#include "base/base64.hpp"
#include "base/json.hpp"
#include "image/http/http.hpp"
#include "image/registry/credentials.hpp"
#include "image/registry/registries_conf.hpp"
#include "image/registry/similar.hpp"
#include "support.hpp"

namespace consort::image {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> places(const std::string& conf, const std::string& name) {
  RegistriesConf registries;
  const auto added = registries.add(conf, "test.conf");
  if (!added) return {added.error().message()};
  const auto found = registries.locations(named(name));
  if (!found) return {found.error().message()};
  std::vector<std::string> texts;
  for (const Location& place : *found)
    texts.push_back(place.host + "/" + place.repository + (place.insecure ? " insecure" : "") +
                    (place.mirror ? " mirror" : ""));
  return texts;
}

TEST(RegistriesConf, WithoutRulesTheNameIsThePlace) {
  EXPECT_THAT(places("", "postgres"), ElementsAre("registry-1.docker.io/library/postgres"));
  EXPECT_THAT(places("", "ghcr.io/a/b"), ElementsAre("ghcr.io/a/b"));
  EXPECT_THAT(places("", "localhost:5000/a"), ElementsAre("localhost:5000/a insecure"));
  EXPECT_THAT(places("", "127.0.0.1:5000/a"), ElementsAre("127.0.0.1:5000/a insecure"));
}

TEST(RegistriesConf, MirrorsComeFirst) {
  const std::string conf = R"(
unqualified-search-registries = ["docker.io"]
[[registry]]
prefix = "docker.io"
location = "docker.io"
[[registry.mirror]]
location = "mirror.example:5000/hub"
insecure = true
[[registry.mirror]]
location = "digests.example"
pull-from-mirror = "digest-only"
)";
  EXPECT_THAT(places(conf, "postgres:15"), ElementsAre("mirror.example:5000/hub/library/postgres insecure mirror",
                                                       "registry-1.docker.io/library/postgres"));
  EXPECT_THAT(places(conf, "postgres@" + Digest::of("x").text()),
              ElementsAre("mirror.example:5000/hub/library/postgres insecure mirror",
                          "digests.example/library/postgres mirror", "registry-1.docker.io/library/postgres"));
  EXPECT_THAT(places(conf, "ghcr.io/a"), ElementsAre("ghcr.io/a"));
}

TEST(RegistriesConf, TheLongestPrefixWinsAndRewrites) {
  const std::string conf = R"(
[[registry]]
prefix = "example.com"
location = "other.com/base"
[[registry]]
prefix = "example.com/team"
location = "team.com"
insecure = true
[[registry]]
prefix = "*.wild.io"
blocked = true
[[registry]]
location = "plain.io"
insecure = true
)";
  EXPECT_THAT(places(conf, "example.com/x/y"), ElementsAre("other.com/base/x/y"));
  EXPECT_THAT(places(conf, "example.com/team/y"), ElementsAre("team.com/y insecure"));
  EXPECT_THAT(places(conf, "example.com/teams/y"), ElementsAre("other.com/base/teams/y"));
  EXPECT_THAT(places(conf, "a.wild.io/y")[0], HasSubstr("blocked"));
  EXPECT_THAT(places(conf, "plain.io/y"), ElementsAre("plain.io/y insecure"));
}

// Compose files use Docker's names: a short one refers to Docker Hub, wherever other tools search.
TEST(RegistriesConf, ShortNamesAreDockerHubs) {
  EXPECT_THAT(places("unqualified-search-registries = [\"quay.io\"]\nshort-name-mode = \"enforcing\"\n"
                     "[aliases]\n\"postgres\" = \"quay.io/other/postgres\"\n",
                     "postgres:15"),
              ElementsAre("registry-1.docker.io/library/postgres"));
}

TEST(RegistriesConf, BlockedMirrorsAreNotAsked) {
  const std::string conf =
      "[[registry]]\nprefix = \"docker.io\"\nblocked = true\n[[registry.mirror]]\nlocation = \"m.io\"\n";
  EXPECT_THAT(places(conf, "postgres")[0], HasSubstr("blocked in registries.conf"));
}

TEST(RegistriesConf, MistakesHaveAPlace) {
  EXPECT_THAT(places("[[registry]]\nlocation = 5\n", "x")[0], HasSubstr("location must be a string"));
  EXPECT_THAT(places("[[registry]]\n", "x")[0], HasSubstr("needs a location"));
  EXPECT_THAT(places("registry = 1\n", "x")[0], HasSubstr("[[registry]]"));
  for (const char* text : {"[/", "[[registry.mirror]]\n[/regis", "[\n", "\u0211"})
    EXPECT_THAT(places(text, "x")[0], HasSubstr("test.conf")) << text;
  RegistriesConf conf;
  const auto broken = conf.add("a = \n\n[[", "test.conf");
  ASSERT_FALSE(broken);
  ASSERT_NE(broken.error().mark(), nullptr);
  EXPECT_EQ(broken.error().mark()->line, 1u);
}

// Docker's own settings apply where ours set nothing.
TEST(RegistriesConf, DockersSettingsFillTheGaps) {
  constexpr const char* daemon =
      R"({"registry-mirrors":["https://mirror.example/","http://plain.example:5000"],"data-root":"/x",
          "insecure-registries":["r.io:5000","10.0.0.0/8","http://old.io","ours.io"]})";
  const auto with = [&](const char* own, const char* name) {
    RegistriesConf conf;
    EXPECT_TRUE(conf.add(own, "ours"));
    EXPECT_TRUE(conf.add_docker_daemon(daemon, "daemon.json"));
    std::vector<std::string> texts;
    const std::vector<Location> found = conf.locations(named(name)).value();
    for (const Location& place : found)
      texts.push_back(place.host + (place.insecure ? " insecure" : "") + (place.mirror ? " mirror" : ""));
    return texts;
  };
  EXPECT_THAT(with("", "postgres"),
              ElementsAre("mirror.example mirror", "plain.example:5000 insecure mirror", "registry-1.docker.io"));
  EXPECT_THAT(with("", "r.io:5000/a"), ElementsAre("r.io:5000 insecure"));
  EXPECT_THAT(with("", "10.1.2.3:5000/a"), ElementsAre("10.1.2.3:5000 insecure"));
  EXPECT_THAT(with("", "old.io/a"), ElementsAre("old.io insecure"));
  EXPECT_THAT(with("", "ghcr.io/a"), ElementsAre("ghcr.io"));
  EXPECT_THAT(with("[[registry]]\nlocation = \"docker.io\"\n", "postgres"), ElementsAre("registry-1.docker.io"));
  EXPECT_THAT(with("[[registry]]\nlocation = \"ours.io\"\n", "ours.io/a"), ElementsAre("ours.io"));
  RegistriesConf conf;
  EXPECT_FALSE(conf.add_docker_daemon("{", "daemon.json"));
  EXPECT_FALSE(conf.add_docker_daemon("[]", "daemon.json"));
  EXPECT_TRUE(conf.add_docker_daemon(R"({"registry-mirrors":5})", "daemon.json"));
}

TEST(RegistriesConf, DockersBrokenFileStopsNothing) {
  const TempDir directory;
  ASSERT_TRUE(write_file_atomic(directory / "daemon.json", "{"));
  ASSERT_TRUE(write_file_atomic(directory / "conf", ""));
  const auto conf = RegistriesConf::load(directory / "conf", directory / "daemon.json");
  ASSERT_TRUE(conf);
  ASSERT_TRUE(conf->trouble());
  EXPECT_THAT(conf->trouble()->message(), HasSubstr("daemon.json"));
}

class Credentials : public testing::Test {
 protected:
  void write(const std::string& text) { ASSERT_TRUE(write_file_atomic(path, text)); }
  std::string find(const std::string& registry) {
    const CredentialLookup found = CredentialStore(path).find(registry).value();
    if (found.credential)
      return found.credential->username + ":" + found.credential->password + ":" + found.credential->identity_token;
    return found.trouble.empty() ? "none" : found.trouble.front().message();
  }
  TempDir directory;
  std::string path = directory / "config.json";
};

TEST_F(Credentials, AreFoundUnderAllKeysThatDockerUses) {
  EXPECT_EQ(find("x.io"), "none");
  write(R"({"auths":{"x.io":{"auth":"dXNlcjpwYTpzcw=="},"https://y.io/v1/":{"auth":"YTpi"},
    "https://index.docker.io/v1/":{"auth":"aHViOnB3","identitytoken":"T"},"bad.io":{"auth":"!!"},"empty.io":{}}})");
  EXPECT_EQ(find("x.io"), "user:pa:ss:");
  EXPECT_EQ(find("y.io"), "a:b:");
  EXPECT_EQ(find("docker.io"), "hub:pw:T");
  EXPECT_THAT(find("bad.io"), HasSubstr("not base64"));
  EXPECT_EQ(find("empty.io"), "none");
  EXPECT_EQ(find("other.io"), "none");
}

TEST_F(Credentials, AreStoredBesideWhatElseIsInTheFile) {
  write(R"({"psFormat":"table","auths":{"x.io":{"auth":"YTpi"}}})");
  ASSERT_TRUE(CredentialStore(path).put("docker.io", {"me", "secret", ""}));
  EXPECT_EQ(find("docker.io"), "me:secret:");
  EXPECT_EQ(find("x.io"), "a:b:");
  EXPECT_THAT(read_file(path).value(), HasSubstr("psFormat"));
  EXPECT_THAT(read_file(path).value(), HasSubstr("https://index.docker.io/v1/"));
  ASSERT_TRUE(CredentialStore(path).erase("docker.io"));
  EXPECT_EQ(find("docker.io"), "none");
}

TEST_F(Credentials, AreReadWithoutAFile) {
  const auto found = [](const char* text) { return stored_credential(text, "r.io", "text"); };
  EXPECT_EQ(found(R"({"auths":{"https://r.io/v1/":{"auth":"YTpiOmM="}}})").value()->password, "b:c");
  EXPECT_FALSE(found(R"({"auths":{"r.io":{"auth":"YQ=="}}})"));
  EXPECT_FALSE(found("[]"));
  EXPECT_EQ(found(R"({"auths":[]})").value(), std::nullopt);
}

TEST_F(Credentials, HelpersAreAsked) {
  ASSERT_TRUE(write_file_atomic(
      directory / "docker-credential-test",
      "#!/bin/sh\nread url\ncase \"$1 $url\" in\n"
      "'get known.io') echo '{\"ServerURL\":\"known.io\",\"Username\":\"<token>\",\"Secret\":\"tok\"}' ;;\n"
      "'get broken.io') echo 'no keychain' >&2; exit 1 ;;\n"
      "store*) echo \"$url\" > \"$(dirname \"$0\")/stored\" ;;\n"
      "*) echo 'credentials not found in native keychain'; exit 1 ;;\nesac\n",
      0755));
  const std::string old = std::getenv("PATH");
  ::setenv("PATH", (directory.path() + ":" + old).c_str(), 1);
  write(R"({"credsStore":"test","auths":{"file.io":{"auth":"YTpi"}}})");
  EXPECT_EQ(find("known.io"), "::tok");
  EXPECT_EQ(find("file.io"), "a:b:");
  EXPECT_EQ(find("none.io"), "none");
  EXPECT_THAT(find("broken.io"), HasSubstr("no keychain"));
  EXPECT_EQ(CredentialStore(path).put("new.io", {"u", "p", ""}).value(), "credential helper test");
  EXPECT_THAT(read_file(directory / "stored").value(), HasSubstr("\"Secret\":\"p\""));
  EXPECT_THAT(read_file(path).value(), testing::Not(HasSubstr("\"p\"")));
  write(R"({"credHelpers":{"known.io":"../evil"}})");
  EXPECT_THAT(find("known.io"), HasSubstr("without slashes"));
  ::setenv("PATH", old.c_str(), 1);
}

// Files that Docker Desktop leaves behind, or that an editor left half-written, are no reason to fail if no login is
// needed.
TEST_F(Credentials, WhatCannotBeReadIsTroubleAndNoMore) {
  if (const std::string reason = consort::test::why_no_failed_start(); !reason.empty()) GTEST_SKIP() << reason;
  write(R"({"credsStore":"desktop","auths":{"file.io":{"auth":"YTpi"}}})");
  EXPECT_EQ(find("file.io"), "a:b:");
  EXPECT_THAT(find("other.io"), HasSubstr("docker-credential-desktop"));
  write("{ half");
  EXPECT_THAT(find("x.io"), HasSubstr("config.json"));
  write(R"({"auths":{"x.io":{"auth":"YTpi\n"},"y.io":{"auth":"YT\r\npi"}}})");
  EXPECT_EQ(find("x.io"), "a:b:");
  EXPECT_EQ(find("y.io"), "a:b:");
}

TEST_F(Credentials, TheVariableGoesFirst) {
  write(R"({"auths":{"x.io":{"auth":"YTpi"},"y.io":{"auth":"YTpi"}}})");
  ::setenv("DOCKER_AUTH_CONFIG", R"({"auths":{"x.io":{"auth":"YzpkCg=="}}})", 1);
  EXPECT_THAT(find("x.io"), HasSubstr("c:d"));
  EXPECT_EQ(find("y.io"), "a:b:");
  ::setenv("DOCKER_AUTH_CONFIG", "nonsense", 1);
  EXPECT_EQ(find("x.io"), "a:b:");
  EXPECT_THAT(find("z.io"), HasSubstr("$DOCKER_AUTH_CONFIG"));
  ::unsetenv("DOCKER_AUTH_CONFIG");
}

TEST(Base64, RoundTrips) {
  for (const std::string text : {"", "a", "ab", "abc", "abcd", "user:pass"})
    EXPECT_EQ(base64_decode(base64_encode(text)).value(), text);
  EXPECT_EQ(base64_encode("user:pass"), "dXNlcjpwYXNz");
  EXPECT_FALSE(base64_decode("a b"));
}

TEST(SimilarTags, AreThoseThatWereMeant) {
  const std::vector<std::string> tags{"15-alpine", "15", "15-bookworm", "16-alpine", "latest", "9.6"};
  EXPECT_EQ(similar_tags("15-alphine", tags).at(0), "15-alpine");
  EXPECT_THAT(similar_tags("15-alphine", tags), testing::Not(testing::Contains("latest")));
  EXPECT_EQ(similar_tags("lastest", tags), std::vector<std::string>{"latest"});
  EXPECT_TRUE(similar_tags("zzz", tags).empty());
}

}  // namespace
}  // namespace consort::image
