// Authentication: tokens (the distribution project's "token" protocol and its OAuth2 form) and Basic.
#include <utility>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/url.hpp"
#include "image/http/address.hpp"
#include "image/registry/registry.hpp"

namespace consort::image {

namespace {

const Challenge* choose(const std::vector<Challenge>& challenges) {
  const Challenge* basic = nullptr;
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme == "bearer" && challenge.parameters.contains("realm")) return &challenge;
    if (challenge.scheme == "basic") basic = &challenge;
  }
  return basic;
}

std::string parameter(const Challenge& challenge, const std::string& name) {
  const auto found = challenge.parameters.find(name);
  return found == challenge.parameters.end() ? "" : found->second;
}

std::string basic_header(const Credential& credential) {
  return "Authorization: Basic " + base64_encode(credential.username + ":" + credential.password);
}

}  // namespace

// Read once, and only when the registry requires it. An unreadable file must not stop a pull that may need no login.
Result<std::optional<Credential>> Registry::credential() {
  CredentialLookup found = TRY(access_.credentials.find(name(), cancel_));
  for (const Error& trouble : found.trouble) {
    const bool told = !credential_trouble_.empty();
    if (!told) credential_trouble_ = trouble.message();
    if (!told && !found.credential && access_.warn)
      access_.warn("no credentials for " + name() + ": " + credential_trouble_ + "; trying without");
  }
  if (found.credential) credential_trouble_.clear();
  had_credential_ = found.credential.has_value();
  return std::move(found.credential);
}

// Called under mutex_. Leaves authorization_ empty if the server requires a login and there is none.
Result<> Registry::authenticate(const HttpResponse& refused) {
  authorization_.clear();
  const std::vector<Challenge> challenges = parse_challenges(refused.header("www-authenticate"));
  const Challenge* challenge = choose(challenges);
  if (!challenge) return {};
  const auto credential = TRY(this->credential());
  if (challenge->scheme == "bearer") {
    authorization_ = "Authorization: Bearer " + TRY(fetch_token(*challenge, credential));
  } else if (credential && !credential->username.empty()) {
    authorization_ = basic_header(*credential);
  }
  return {};
}

// Called under mutex_. Some registries (Artifactory) report private images as missing without requesting credentials:
// so if the user has a login for this registry, send it.
Result<> Registry::introduce(const Url& base) {
  if (std::exchange(introduced_, true)) return {};
  const auto credential = TRY(this->credential());
  if (!credential) return {};
  HttpRequest request;
  request.url = base.shown + "/v2/";
  const HttpResponse answer = TRY(perform(request, base));
  const bool own = TRY(Url::parse(answer.url)).same_origin(base);
  if (answer.status == 401 && own) return authenticate(answer);
  if (!credential->username.empty()) authorization_ = basic_header(*credential);
  return {};
}

Result<std::string> Registry::fetch_token(const Challenge& challenge, const std::optional<Credential>& credential) {
  const std::string realm = parameter(challenge, "realm");
  const Url server = TRY_WRAP(Url::parse(realm), "authenticate", location_.host);
  // A secret must not be sent over an unencrypted connection just because a server asks: only if the user allowed it.
  const bool own_host = split_host_port(server.place()).host == split_host_port(location_.host).host;
  const bool open_line = server.scheme == "http" && (!location_.insecure || credential) &&
                         !(location_.insecure && own_host) && !access_.conf.is_insecure(server.place());
  if (open_line)
    return fail(Error(Code::denied, "authenticate")
                    .on(location_.host)
                    .why("its token server, " + server.place() + ", does not use HTTPS")
                    .hint("if you trust the network, mark it as insecure in registries.conf"));
  const std::string service = parameter(challenge, "service");
  std::string scope = parameter(challenge, "scope");
  if (!location_.repository.empty())
    scope = "repository:" + location_.repository + (actions_ == Actions::push ? ":pull,push" : ":pull");

  HttpRequest request;
  if (credential && !credential->identity_token.empty()) {
    for (const std::string& source : mounted_from_) scope += " repository:" + source + ":pull";
    request.method = HttpRequest::Method::post;
    request.url = realm;
    request.redirects = HttpRequest::Redirects::none;  // the secret is in the body
    request.headers.push_back("Content-Type: application/x-www-form-urlencoded");
    request.body = "grant_type=refresh_token&client_id=consort&service=" + url_encode(service) +
                   "&scope=" + url_encode(scope) + "&refresh_token=" + url_encode(credential->identity_token);
  } else {
    request.url = realm + (realm.find('?') == std::string::npos ? "?" : "&") + "service=" + url_encode(service);
    if (!scope.empty()) request.url += "&scope=" + url_encode(scope);
    for (const std::string& source : mounted_from_)
      request.url += "&scope=" + url_encode("repository:" + source + ":pull");
    if (credential) {
      request.url += "&account=" + url_encode(credential->username);
      request.authorization = basic_header(*credential);
    }
  }
  const HttpResponse response = TRY_WRAP(perform(request, server), "authenticate", location_.host);
  if (response.status != 200) return fail(registry_error(response, "authenticate", location_.host));
  const Json json = TRY(parse_json(response.body, "token of " + location_.host));
  std::string token = get_string(json, "token");
  if (token.empty()) token = get_string(json, "access_token");
  if (token.empty() || token.find_first_of("\r\n") != std::string::npos)
    return fail(Error(Code::denied, "authenticate").on(location_.host).why("the token server gave no token"));
  return token;
}

Result<> Registry::verify(const Credential& credential) {
  const Url server = TRY(base());
  HttpRequest request;
  request.url = server.shown + "/v2/";
  HttpAnswer first = perform(request, server);
  if (!first && first.error().kind == HttpFailure::Kind::handshake) explain_handshake(first.error());
  HttpResponse response = TRY(std::move(first));
  if (response.status == 401 && TRY(Url::parse(response.url)).same_origin(server)) {
    const std::vector<Challenge> challenges = parse_challenges(response.header("www-authenticate"));
    const Challenge* challenge = choose(challenges);
    if (!challenge) return fail(registry_error(response, "log in to", location_.host));
    request.authorization = challenge->scheme == "bearer"
                                ? "Authorization: Bearer " + TRY(fetch_token(*challenge, credential))
                                : basic_header(credential);
    response = TRY(perform(request, server));
  }
  if (response.status == 200) return {};
  return fail(registry_error(response, "log in to", location_.host));
}

}  // namespace consort::image
