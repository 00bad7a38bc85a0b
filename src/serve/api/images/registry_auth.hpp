// The registry credentials that a client sends with a request, for that request only.
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/os/fd.hpp"
#include "engine/images.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

class ClientCredentials {
 public:
  // From X-Registry-Auth, for this registry; may be missing. Unreadable credentials are ignored, as in Docker.
  static Result<ClientCredentials> of(Call& call, const std::string& registry);
  // For several registries, from X-Registry-Config, an object of AuthConfigs by registry.
  static Result<ClientCredentials> of_all(Call& call);

  // No other credentials are used, not even those of the user that the server runs as. Valid while this object lives.
  image::RegistryOptions options() const;
  std::string path() const;  // of a config.json

 private:
  static Result<ClientCredentials> keep(const Json& config);
  explicit ClientCredentials(Fd config) : config_(std::move(config)) {}
  Fd config_;  // a config.json that exists only in memory
};

}  // namespace consort::serve
