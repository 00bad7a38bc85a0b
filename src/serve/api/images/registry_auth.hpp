// The credentials that a client sends with a request, for that request alone.
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/os/fd.hpp"
#include "engine/images.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

class ClientCredentials {
 public:
  // X-Registry-Auth, for this registry; none are fine. What is none is left out, as Docker does with it.
  static Result<ClientCredentials> of(Call& call, const std::string& registry);
  // Of several registries: X-Registry-Config, an object of AuthConfigs by registry.
  static Result<ClientCredentials> of_all(Call& call);

  // Nobody else's credentials are used, not those of the user that the server runs as either. Valid while this lives.
  image::RegistryOptions options() const;
  std::string path() const;  // as a config.json

 private:
  static Result<ClientCredentials> keep(const Json& config);
  explicit ClientCredentials(Fd config) : config_(std::move(config)) {}
  Fd config_;  // a config.json that is in memory alone
};

}  // namespace consort::serve
