// Tokens and passwords are sent only to the registry and to the token server that it names.

#include "base/base64.hpp"
#include "fake_registry.hpp"
#include "image/http.hpp"
#include "image/http/address.hpp"
#include "image/http/proxy.hpp"
#include "image/http/url.hpp"

namespace consort::image {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* auth_of_me = R"({"auths":{")";

class Secrets : public FakeRegistryTest {
 protected:
  void SetUp() override {
    FakeRegistryTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    log_in(server.host());
    other.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
      seen.push_back(request.header("authorization"));
      return other_answers(request);
    };
  }
  void log_in(const std::string& host) {  // as me:secret
    ASSERT_TRUE(write_file_atomic(registry.docker_config,
                                  auth_of_me + host + R"(":{"auth":")" + base64_encode("me:secret") + "\"}}}"));
  }
  // Accepts every request that has the password.
  std::optional<FakeAnswer> guard(const FakeRequest& request) const {
    if (request.header("authorization") == "Basic " + base64_encode("me:secret")) return std::nullopt;
    return FakeAnswer{401, {"WWW-Authenticate: Basic realm=\"r\""}, ""};
  }
  Image local_image() {
    ImportOptions made;
    made.names = {server.name()};
    return import_rootfs(test.store, file_with(directory, TarBuilder().file("a", "1").str()).get(), made).value();
  }
  Result<PushResult> push_it() {
    PushOptions how;
    how.registry = registry;
    return push(test.store, server.name(), how);
  }
  Result<PullResult> pull_it() { return pull(test.store, server.name(), options); }
  std::string elsewhere(const std::string& path) const { return "http://" + other.host() + path; }

  std::vector<std::string> seen;  // Authorization at the other host
  std::function<FakeAnswer(const FakeRequest&)> other_answers = [](const FakeRequest&) {
    return FakeAnswer{201, {}, ""};
  };
  FakeRegistry other;
};

// Some registries let clients upload directly to their storage; the address then contains all required credentials.
TEST_F(Secrets, AnUploadElsewhereIsSentWithoutThem) {
  local_image();
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (auto refused = guard(request)) return refused;
    if (request.method == "HEAD") return FakeAnswer{404, {}, ""};
    if (request.method == "POST") return FakeAnswer{202, {"Location: " + elsewhere("/put?signed=1")}, ""};
    return FakeAnswer{201, {}, ""};
  };
  const auto pushed = push_it();
  ASSERT_TRUE(pushed) << pushed.error().message();
  ASSERT_EQ(seen.size(), 2u);  // the layer and the configuration
  EXPECT_THAT(seen, testing::Each(IsEmpty()));
}

// The storage does not get them by asking either.
TEST_F(Secrets, AnUploadElsewhereThatAsksForALoginGetsNone) {
  local_image();
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.method == "HEAD") return FakeAnswer{404, {}, ""};
    return FakeAnswer{202, {"Location: " + elsewhere("/put")}, ""};
  };
  other_answers = [&](const FakeRequest&) {
    return FakeAnswer{401, {"WWW-Authenticate: Bearer realm=\"" + elsewhere("/token") + "\"", "Location: /x"}, ""};
  };
  const auto pushed = push_it();
  ASSERT_FALSE(pushed);
  EXPECT_THAT(pushed.error().message(), HasSubstr(other.host() + " answers: HTTP status 401"));
  EXPECT_THAT(pushed.error().message(), testing::Not(HasSubstr("push access denied")));
  EXPECT_THAT(seen, testing::Each(IsEmpty()));
  EXPECT_EQ(other.count("/token"), 0u);
}

TEST_F(Secrets, ARedirectedBlobIsFetchedWithoutThem) {
  serve(TarBuilder().file("a", "1").str());
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (auto refused = guard(request)) return refused;
    if (request.path.find("/blobs/") == std::string::npos) return std::nullopt;
    return FakeAnswer{307, {"Location: " + elsewhere(request.path)}, ""};
  };
  other.blobs = server.blobs;
  other_answers = [&](const FakeRequest& request) {
    const auto found = server.blobs.find(request.path.substr(request.path.rfind('/') + 1));
    return FakeAnswer{200, {}, found->second};
  };
  const auto pulled = pull_it();
  ASSERT_TRUE(pulled) << pulled.error().message();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_THAT(seen, testing::Each(IsEmpty()));
}

TEST_F(Secrets, WhereARedirectLeadsNobodyGetsThemByAsking) {
  serve(TarBuilder().file("a", "1").str());
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path.find("/blobs/") == std::string::npos) return std::nullopt;
    return FakeAnswer{307, {"Location: " + elsewhere(request.path)}, ""};
  };
  other_answers = [&](const FakeRequest&) {
    return FakeAnswer{401, {"WWW-Authenticate: Bearer realm=\"" + elsewhere("/token") + "\""}, ""};
  };
  const auto pulled = pull_it();
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message(), HasSubstr(other.host() + " answers"));
  EXPECT_THAT(seen, testing::Each(IsEmpty()));
  EXPECT_EQ(other.count("/token"), 0u);
}

// A token request with the secret in its body is not redirected; one with a header is sent without it.
TEST_F(Secrets, ATokenServerThatRedirectsTakesNothingAlong) {
  serve(TarBuilder().file("a", "1").str());
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path.starts_with("/token")) return FakeAnswer{307, {"Location: " + elsewhere("/token")}, ""};
    return FakeAnswer{401, {"WWW-Authenticate: Bearer realm=\"http://" + server.host() + "/token\""}, ""};
  };
  EXPECT_FALSE(pull_it());
  EXPECT_THAT(seen, testing::ElementsAre(IsEmpty()));
  ASSERT_TRUE(
      write_file_atomic(registry.docker_config, auth_of_me + server.host() + R"(":{"identitytoken":"very-secret"}}})"));
  EXPECT_FALSE(pull_it());
  EXPECT_EQ(other.count("/token"), 1u);
}

// The user allowed plain HTTP for this registry, not for other servers that it names.
TEST_F(Secrets, ATokenServerElsewhereWithoutTlsGetsNoPassword) {
  serve(TarBuilder().file("a", "1").str());
  server.intercept = [&](const FakeRequest&) -> std::optional<FakeAnswer> {
    return FakeAnswer{401, {"WWW-Authenticate: Bearer realm=\"http://192.0.2.1/token\""}, ""};
  };
  const auto pulled = pull_it();
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message(), HasSubstr("192.0.2.1, does not use HTTPS"));
}

// Artifactory answers 404 for repositories that only members may see, without asking for a login.
TEST_F(Secrets, AHiddenRepositoryIsShownToWhoHasALogin) {
  serve(TarBuilder().file("a", "1").str());
  for (const bool asks_at_the_root : {true, false}) {
    TestStore fresh;
    server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
      if (!guard(request)) return std::nullopt;
      if (request.path == "/v2/" && asks_at_the_root) return guard(request);
      return FakeAnswer{request.path == "/v2/" ? 200 : 404, {}, ""};
    };
    const auto pulled = pull(fresh.store, server.name(), options);
    EXPECT_TRUE(pulled) << asks_at_the_root << ": " << (pulled ? "" : pulled.error().message());
  }
  log_in("other.io");
  EXPECT_FALSE(pull_it());
}

// A public image needs no login; the failure to read the credentials is reported once.
TEST_F(Secrets, CredentialsThatCannotBeReadAreToldAndDoneWithout) {
  serve(TarBuilder().file("a", "1").str());
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (request.path.starts_with("/token")) return FakeAnswer{200, {}, R"({"token":"anybody"})"};
    if (request.header("authorization") == "Bearer anybody") return std::nullopt;
    return FakeAnswer{401, {"WWW-Authenticate: Bearer realm=\"http://" + server.host() + "/token\""}, ""};
  };
  std::vector<std::string> warnings;
  registry.warn = [&](const std::string& warning) { warnings.push_back(warning); };
  ASSERT_TRUE(write_file_atomic(registry.docker_config, R"({"credsStore":"desktop-that-is-gone"})"));
  const auto pulled = pull_it();
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_THAT(warnings, testing::ElementsAre(HasSubstr("no credentials for " + server.host())));
}

TEST(Hosts, OnlyWhatIsLoopbackIsTakenForIt) {
  for (const char* host : {"127.0.0.1", "127.9.9.9:5000", "localhost", "LOCALHOST:1", "[::1]:5000", "[::1]"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host :
       {"127.evil.com", "127.0.0.1.evil.com:5000", "localhost.evil.com", "127.1", "10.0.0.1", "[::2]:5000", "127.", ""})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

TEST(Hosts, OriginsAreReadAsTheyAreConnectedTo) {
  const auto same = [](const char* a, const char* b) {
    return Url::parse(a).value().same_origin(Url::parse(b).value());
  };
  EXPECT_TRUE(same("https://r.io/v2/", "HTTPS://R.io:443/x?y"));
  EXPECT_FALSE(same("https://r.io/", "http://r.io/"));
  EXPECT_FALSE(same("https://r.io/", "https://r.io:444/"));
  EXPECT_FALSE(same("https://r.io/", "https://r.io@evil.com/"));
  EXPECT_FALSE(same("https://r.io/", "https://evil.com/@r.io/"));
  EXPECT_EQ(Url::parse("https://me:secret@r.io:5000/a?signature=x").value().shown, "https://r.io:5000/a");
  EXPECT_FALSE(Url::parse("file:///etc/passwd"));
  EXPECT_FALSE(Url::parse("nonsense://x"));
  EXPECT_EQ(resolve_url("https://r.io/v2/a/uploads/?m=1", "/v2/a/uploads/5?s=2").value(),
            "https://r.io/v2/a/uploads/5?s=2");
  EXPECT_EQ(resolve_url("https://r.io/v2/a/uploads/", "5?s=2").value(), "https://r.io/v2/a/uploads/5?s=2");
  EXPECT_EQ(resolve_url("https://r.io/v2/", "//evil.com/x").value(), "https://evil.com/x");
}

TEST(Proxies, AreChosenAsGoProgramsDo) {
  const ProxySettings settings{
      "http://p:1", "http://p:2", "",
      "example.com, *.wild.io,.dots.io,ported.io:8443,10.0.0.0/8,192.0.2.7,[2001:db8::1]:443,fd00::/8"};
  const auto proxy = [&](const char* url) { return settings.proxy_for(Url::parse(url).value()); };
  EXPECT_EQ(proxy("http://r.io/"), "http://p:1");
  EXPECT_EQ(proxy("https://r.io/"), "http://p:2");
  for (const char* direct : {"https://example.com/", "https://sub.EXAMPLE.com/", "https://a.wild.io/",
                             "https://a.b.wild.io/", "https://a.dots.io/", "https://ported.io:8443/",
                             "https://10.1.2.3:5000/", "https://192.0.2.7/", "https://[2001:db8::1]/",
                             "https://[fd00::5]/", "https://127.0.0.1:5000/", "http://localhost/", "https://[::1]/"})
    EXPECT_EQ(proxy(direct), "") << direct;
  for (const char* through : {"https://wild.io/", "https://dots.io/", "https://ported.io/", "https://notexample.com/",
                              "https://11.0.0.1/", "https://192.0.2.70/", "https://[2001:db8::1]:444/"})
    EXPECT_EQ(proxy(through), "http://p:2") << through;
  EXPECT_EQ((ProxySettings{"p", "p", "", "*"}.proxy_for(Url::parse("https://r.io/").value())), "");
  EXPECT_EQ((ProxySettings{"", "", "any:1", ""}.proxy_for(Url::parse("https://r.io/").value())), "any:1");
}

}  // namespace
}  // namespace consort::image
