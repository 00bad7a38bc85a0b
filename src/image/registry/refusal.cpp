#include "image/registry/refusal.hpp"

#include "base/json.hpp"
#include "base/strings.hpp"
#include "image/http/url.hpp"

namespace consort::image {

namespace {

Code code_of(int status) {
  if (status == 404) return Code::not_found;
  if (status == 401 || status == 403) return Code::denied;
  if (status == 400 || status == 416) return Code::invalid;
  if (status == 429) return Code::busy;
  return Code::io;
}

std::string rate_limit_hint(const HttpResponse& response) {
  const auto url = Url::parse(response.url);
  const std::string host = url ? url->place() : "";
  std::string hint = "the registry limits how often you can pull: log in (`" + login_command(host) + "`), wait";
  if (const std::string after = response.header("retry-after"); !after.empty()) hint += " (it says " + after + " s)";
  return hint + ", or set a mirror in registries.conf";
}

}  // namespace

Refusal refusal_of(const HttpResponse& response) {
  Refusal refusal{response.status, {}, "HTTP status " + std::to_string(response.status)};
  const auto json = parse_json(response.body, "answer");
  if (!json) return refusal;
  const Json* errors = find_key(*json, "errors");
  if (errors && errors->is_array() && !errors->empty()) {
    const Json& first = errors->front();
    refusal.code = to_upper(get_string(first, "code"));
    const std::string words = replace_all(to_lower(refusal.code), "_", " ");
    const std::string message = get_string(first, "message");
    std::string text = words.empty() || message.empty() ? words + message : words + ": " + message;
    if (!text.empty()) refusal.text = std::move(text);
  } else if (std::string details = get_string(*json, "details"); !details.empty()) {  // from Docker Hub's token server
    refusal.text = std::move(details);
  }
  return refusal;
}

Error registry_error(const HttpResponse& response, const std::string& what, const std::string& object) {
  Error error(code_of(response.status), what);
  error.data().object = object;
  error.data().why = refusal_of(response).text;
  error.data().http_status = response.status;
  if (response.status == 429) error.data().hint = rate_limit_hint(response);
  return error;
}

std::string refused_elsewhere(const std::string& registry, const std::string& what, const std::string& other) {
  return registry + " sends " + what + " to " + other +
         ", which refuses the connection: is a proxy or firewall in the way?";
}

std::string login_command(const std::string& registry) {
  const bool hub = registry == "docker.io" || registry == "registry-1.docker.io" || registry == "auth.docker.io";
  return hub || registry.empty() ? "consort login" : "consort login " + registry;
}

}  // namespace consort::image
