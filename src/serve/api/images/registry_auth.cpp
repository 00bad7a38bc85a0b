#include "serve/api/images/registry_auth.hpp"

#include <sys/mman.h>

#include <algorithm>

#include "base/base64.hpp"

namespace consort::serve {

namespace {

// Docker Hub's name in a config.json.
std::string key_of(const std::string& registry) {
  return registry == "docker.io" ? "https://index.docker.io/v1/" : registry;
}

// A JSON object in URL-safe Base64. Docker treats anything else as empty.
Json object_of(Call& call, const char* header) {
  std::string text(call.request().header(header));
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  const auto decoded = base64_decode(text);
  auto object = decoded ? parse_json(*decoded, header) : Result<Json>(Json::object());
  return object && object->is_object() ? std::move(*object) : Json::object();
}

void add_entry(Json& config, const std::string& key, const Json& settings) {
  const std::string user = get_string(settings, "username"), token = get_string(settings, "identitytoken");
  if (user.empty() && token.empty()) return;
  Json entry{{"auth", base64_encode(user + ":" + get_string(settings, "password"))}};
  if (!token.empty()) entry["identitytoken"] = token;
  config["auths"][key] = std::move(entry);
}

}  // namespace

Result<ClientCredentials> ClientCredentials::of(Call& call, const std::string& registry) {
  Json config = Json::object();
  add_entry(config, key_of(registry), object_of(call, "x-registry-auth"));
  return keep(config);
}

Result<ClientCredentials> ClientCredentials::of_all(Call& call) {
  Json config = Json::object();
  const Json said = object_of(call, "x-registry-config");  // items() does not keep it alive
  for (const auto& [registry, settings] : said.items()) add_entry(config, registry, settings);
  return keep(config);
}

Result<ClientCredentials> ClientCredentials::keep(const Json& config) {
  Fd file(::memfd_create("consort-credentials", MFD_CLOEXEC));
  if (!file) return fail_errno("keep credentials");
  TRY(write_full(file.get(), dump_json(config)));
  return ClientCredentials(std::move(file));
}

std::string ClientCredentials::path() const {
  return "/proc/self/fd/" + std::to_string(config_.get());
}

image::RegistryOptions ClientCredentials::options() const {
  image::RegistryOptions options;
  options.docker_config = path();
  return options;
}

}  // namespace consort::serve
