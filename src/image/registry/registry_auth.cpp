// Authentication: tokens (the distribution project's "token" protocol and its OAuth2 form) and Basic.
#include "base/json.hpp"
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

// Under mutex_. Leaves authorization_ empty if the server wants a login and there is none.
Result<> Registry::authenticate(const HttpResponse& refused) {
  authorization_.clear();
  const std::vector<Challenge> challenges = parse_challenges(refused.header("www-authenticate"));
  const Challenge* challenge = choose(challenges);
  if (!challenge) return {};
  const std::string registry = location_.host == "registry-1.docker.io" ? "docker.io" : location_.host;
  const auto credential = TRY_WRAP(access_.credentials.find(registry), "look for credentials of", registry);
  if (challenge->scheme == "bearer") {
    authorization_ = "Authorization: Bearer " + TRY(fetch_token(*challenge, credential));
  } else if (credential && !credential->username.empty()) {
    authorization_ = basic_header(*credential);
  }
  return {};
}

Result<std::string> Registry::fetch_token(const Challenge& challenge, const std::optional<Credential>& credential) {
  const std::string realm = parameter(challenge, "realm");
  const bool secure = realm.starts_with("https://");
  // A secret must not go over an open line because a server says so.
  if (!secure && !(location_.insecure && realm.starts_with("http://")))
    return fail(Error(Code::denied, "authenticate").on(location_.host).why("its token server is not behind https"));
  const std::string service = parameter(challenge, "service");
  std::string scope = parameter(challenge, "scope");
  if (!location_.repository.empty())
    scope = "repository:" + location_.repository + (actions_ == Actions::push ? ":pull,push" : ":pull");

  HttpRequest request;
  request.tls = TRY(tls());
  request.cancel = cancel_;
  if (credential && !credential->identity_token.empty()) {
    request.method = HttpRequest::Method::post;
    request.url = realm;
    request.headers.push_back("Content-Type: application/x-www-form-urlencoded");
    request.body = "grant_type=refresh_token&client_id=consort&service=" + url_encode(service) +
                   "&scope=" + url_encode(scope) + "&refresh_token=" + url_encode(credential->identity_token);
  } else {
    request.url = realm + (realm.find('?') == std::string::npos ? "?" : "&") + "service=" + url_encode(service);
    if (!scope.empty()) request.url += "&scope=" + url_encode(scope);
    if (credential) {
      request.url += "&account=" + url_encode(credential->username);
      request.headers.push_back(basic_header(*credential));
    }
  }
  const HttpResponse response = TRY_WRAP(access_.http->perform(request), "authenticate", location_.host);
  if (response.status != 200) return fail(registry_error(response, "authenticate", location_.host));
  const Json json = TRY(parse_json(response.body, "token of " + location_.host));
  std::string token = get_string(json, "token", get_string(json, "access_token"));
  if (token.empty() || token.find_first_of("\r\n") != std::string::npos)
    return fail(Error(Code::denied, "authenticate").on(location_.host).why("the token server gave no token"));
  return token;
}

Result<> Registry::verify(const Credential& credential) {
  HttpRequest request;
  request.url = TRY(base()) + "/v2/";
  request.tls = TRY(tls());
  request.cancel = cancel_;
  HttpResponse response = TRY(access_.http->perform(request));
  if (response.status == 401) {
    const std::vector<Challenge> challenges = parse_challenges(response.header("www-authenticate"));
    const Challenge* challenge = choose(challenges);
    if (!challenge) return fail(registry_error(response, "log in to", location_.host));
    if (challenge->scheme == "bearer")
      request.headers.push_back("Authorization: Bearer " + TRY(fetch_token(*challenge, credential)));
    else
      request.headers.push_back(basic_header(credential));
    response = TRY(access_.http->perform(request));
  }
  if (response.status == 200) return {};
  return fail(registry_error(response, "log in to", location_.host));
}

}  // namespace consort::image
