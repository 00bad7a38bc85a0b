#include "serve/api/registry_auth.hpp"

#include <sys/mman.h>

#include <algorithm>

#include "base/base64.hpp"

namespace consort::serve {

namespace {

// The name that Docker Hub has in a config.json.
std::string key_of(const std::string& registry) {
  return registry == "docker.io" ? "https://index.docker.io/v1/" : registry;
}

Json settings_of(Call& call) {
  std::string text(call.request().header("x-registry-auth"));
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  const auto decoded = base64_decode(text);
  auto settings = decoded ? parse_json(*decoded, "X-Registry-Auth") : Result<Json>(Json::object());
  return settings && settings->is_object() ? std::move(*settings) : Json::object();
}

}  // namespace

Result<ClientCredentials> ClientCredentials::of(Call& call, const std::string& registry) {
  return from(settings_of(call), registry);
}

Result<ClientCredentials> ClientCredentials::from(const Json& settings, const std::string& registry) {
  const std::string user = get_string(settings, "username"), token = get_string(settings, "identitytoken");
  Json config = Json::object();
  if (!user.empty() || !token.empty()) {
    Json entry = Json::object();
    entry["auth"] = base64_encode(user + ":" + get_string(settings, "password"));
    if (!token.empty()) entry["identitytoken"] = token;
    config["auths"][key_of(registry)] = std::move(entry);
  }
  Fd file(::memfd_create("consort-credentials", MFD_CLOEXEC));
  if (!file) return fail_errno("keep credentials");
  TRY(write_full(file.get(), dump_json(config)));
  return ClientCredentials(std::move(file));
}

image::RegistryOptions ClientCredentials::options() const {
  image::RegistryOptions options;
  options.docker_config = "/proc/self/fd/" + std::to_string(config_.get());
  return options;
}

}  // namespace consort::serve
