// Messages for refusals by a registry, or by a server in between: who refused what, and what the user can do.
#include "../facilities.hpp"
#include "fake_registry.hpp"
#include "image/connection.hpp"
#include "registry_fixture.hpp"

namespace consort::image {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Advice : public FakeRegistryTest {
 protected:
  void SetUp() override {
    FakeRegistryTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    serve(TarBuilder().file("data", "some content").str());
  }
  Error error_of(const std::string& name) {
    auto pulled = pull(test.store, named(name), options);
    EXPECT_FALSE(pulled) << name;
    return pulled ? Error(Code::internal) : std::move(pulled).error();
  }
  // Gives this answer to every request.
  void answer_all(FakeAnswer answer) {
    server.intercept = [answer = std::move(answer)](const FakeRequest&) { return answer; };
  }
  std::string port() const { return server.host().substr(server.host().find(':')); }
};

TEST_F(Advice, ABlobHostThatRefusesIsNotAMissingRepository) {
  FakeRegistry storage;
  storage.intercept = [](const FakeRequest&) {
    return FakeAnswer{403, {}, "<Error><Code>AccessDenied</Code></Error>"};
  };
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (!request.path.ends_with(Digest::of(packed).text())) return std::nullopt;
    return FakeAnswer{307, {"Location: http://" + storage.host() + "/x?signature=secret"}, ""};
  };
  const Error error = error_of(server.name().full());
  EXPECT_THAT(error.message(), HasSubstr("layer " + Digest::of(packed).short_hex()));
  EXPECT_THAT(error.message(), HasSubstr(storage.host() + " answers: HTTP status 403"));
  EXPECT_THAT(error.message(), Not(HasSubstr("repository")));
  EXPECT_THAT(error.message(), Not(HasSubstr("secret")));
  EXPECT_THAT(error.hint_text(), HasSubstr("sends downloads to " + storage.host()));
}

TEST_F(Advice, ALoginIsNamedWithItsRegistry) {
  if (const std::string reason = consort::test::why_no_failed_start(); !reason.empty()) GTEST_SKIP() << reason;
  answer_all({401, {"WWW-Authenticate: Basic realm=\"r\""}, ""});
  const Error none = error_of(server.name().full());
  EXPECT_THAT(none.message(),
              StartsWith("pull access denied for " + server.host() + "/app, repository does not exist"));
  EXPECT_THAT(none.hint_text(), HasSubstr("consort login " + server.host()));
  ASSERT_TRUE(
      write_file_atomic(directory / "config.json", R"({"auths":{")" + server.host() + R"(":{"auth":"YTpi"}}})"));
  EXPECT_THAT(error_of(server.name().full()).hint_text(),
              HasSubstr("your login at " + server.host() + " does not allow it"));
  ASSERT_TRUE(write_file_atomic(directory / "config.json", R"({"credsStore":"not-installed"})"));
  EXPECT_THAT(error_of(server.name().full()).hint_text(), HasSubstr("docker-credential-not-installed"));
}

// Each registry has its own way of reporting a missing tag.
TEST_F(Advice, AMissingTagIsNotAMissingRepository) {
  for (const char* body :
       {"", R"({"errors":[{"code":"NOT_FOUND","message":"artifact app:2 not found"}]})", "<html>404</html>"}) {
    server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
      if (request.path.contains("/tags/list")) return FakeAnswer{200, {}, R"({"tags":["2.0","2.1","9"]})"};
      return FakeAnswer{404, {}, body};
    };
    const Error error = error_of(server.host() + "/app:2.2");
    EXPECT_THAT(error.message(), StartsWith("manifest for " + server.host() + "/app:2.2 not found")) << body;
    EXPECT_THAT(error.hint_text(), HasSubstr("/app:2.0, ")) << body;
  }
  answer_all({404, {}, R"({"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]})"});
  EXPECT_THAT(error_of(server.host() + "/app:2").message(),
              StartsWith("repository " + server.host() + "/app not found: name unknown"));
}

// Quay and ECR have their own ways of naming the next page.
TEST_F(Advice, TagsAreReadPageByPage) {
  server.intercept = [&](const FakeRequest& request) -> std::optional<FakeAnswer> {
    if (!request.path.contains("/tags/list")) return FakeAnswer{404, {}, ""};
    if (request.path.ends_with("next_page=B"))
      return FakeAnswer{200,
                        {"Link: <http://" + server.host() + "/v2/app/tags/list?next_page=C>; rel=\"next\""},
                        R"({"tags":["2"]})"};
    if (request.path.ends_with("next_page=C"))
      return FakeAnswer{200, {"Link: <http://127.0.0.1:1/v2/>; rel=\"next\""}, R"({"tags":["1.5-alpine"]})"};
    return FakeAnswer{200, {"Link: </v2/app/tags/list?next_page=B>; rel=\"next\""}, R"({"tags":["1"]})"};
  };
  EXPECT_THAT(error_of(server.host() + "/app:1.5-alphine").hint_text(), HasSubstr("/app:1.5-alpine"));
}

TEST_F(Advice, PlainHttpIsNamedWithWhatAllowsIt) {
  const std::string host = "registry.localhost" + port();
  for (const Error& error : {error_of(host + "/app:1")}) {
    EXPECT_THAT(error.message(), HasSubstr(host + " speaks plain HTTP, not HTTPS"));
    EXPECT_THAT(error.hint_text(), HasSubstr("insecure = true"));
    EXPECT_THAT(error.hint_text(), HasSubstr("/etc/containers/registries.conf"));
    EXPECT_THAT(error.hint_text(), HasSubstr(host));
  }
}

TEST_F(Advice, ProxiesThatAreDownOrWantALogin) {
  ::setenv("https_proxy", "http://me:secret@127.0.0.1:1", 1);
  const Error down = error_of("registry.invalid/app:1");
  EXPECT_THAT(down.hint_text(), HasSubstr("http://127.0.0.1:1 (from HTTPS_PROXY or ALL_PROXY) cannot be reached"));
  EXPECT_THAT(down.hint_text(), HasSubstr("NO_PROXY"));
  EXPECT_THAT(down.hint_text() + down.message(), Not(HasSubstr("secret")));
  answer_all({407, {"Proxy-Authenticate: Basic realm=\"p\""}, ""});
  ::setenv("https_proxy", ("http://" + server.host()).c_str(), 1);
  EXPECT_THAT(error_of("registry.invalid/app:1").hint_text(),
              HasSubstr("requires a login: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"));
  ::unsetenv("https_proxy");
  ::setenv("http_proxy", ("http://" + server.host()).c_str(), 1);
  options.registry.insecure = {"registry.invalid"};
  EXPECT_THAT(error_of("registry.invalid/app:1").hint_text(), HasSubstr("requires a login: HTTP_PROXY="));
  ::unsetenv("http_proxy");
}

TEST_F(Advice, CertificatesThatAreNotTheRightOnes) {
  const auto tls = RegistryServer::start({.tls = true});
  if (!tls) GTEST_SKIP() << "needs docker-registry";
  const std::string port = tls->host().substr(tls->host().find(':'));
  EXPECT_THAT(error_of("registry.localhost" + port + "/x").hint_text(),
              HasSubstr("/etc/docker/certs.d/registry.localhost" + port + "/ca.crt"));
  const std::string other = "other.localhost" + port;
  ASSERT_TRUE(make_directories(directory / ("certs.d/" + other)));
  ASSERT_TRUE(write_file_atomic(directory / ("certs.d/" + other + "/ca.crt"),
                                read_file(tls->certificates() + "/127.0.0.1" + port + "/ca.crt").value()));
  options.registry.certificate_directories = {directory / "certs.d"};
  EXPECT_THAT(error_of(other + "/x").hint_text(), HasSubstr("another name than other.localhost"));
}

// As for `tls-server-name` in a kubeconfig: the certificate is for another name, at the same address.
TEST_F(Advice, CertificatesForANameThatIsToldBeside) {
  const auto tls = RegistryServer::start({.tls = true});
  if (!tls) GTEST_SKIP() << "needs docker-registry";
  const std::string port = tls->host().substr(tls->host().find(':'));
  HttpClient client;
  HttpRequest request;
  request.proxy = "";
  request.url = "https://other.localhost" + port + "/v2/";  // the certificate is not for this name
  request.tls.extra_authorities = read_file(tls->certificates() + "/127.0.0.1" + port + "/ca.crt").value();
  request.connect_within = std::chrono::seconds(60);
  EXPECT_FALSE(client.perform(request));
  for (const char* name : {"localhost", "registry.localhost"}) {
    request.tls.server_name = name;
    const auto answer = client.perform(request);
    ASSERT_TRUE(answer) << name << ": " << answer.error().error.message();
    EXPECT_EQ(answer->status, 200) << name;
    EXPECT_TRUE(Connection::open(request)) << name;
  }
  request.tls.server_name = "further.localhost";
  EXPECT_FALSE(client.perform(request));
  EXPECT_FALSE(Connection::open(request));
}

TEST_F(Advice, CertificatesThatHaveExpired) {
  const auto tls = RegistryServer::start({.tls = true, .expired = true});
  if (!tls) GTEST_SKIP() << "needs docker-registry";
  const std::string port = tls->host().substr(tls->host().find(':'));
  options.registry.certificate_directories = {tls->certificates()};
  EXPECT_THAT(error_of("registry.localhost" + port + "/x").hint_text(), HasSubstr("has expired"));
}

}  // namespace
}  // namespace consort::image
