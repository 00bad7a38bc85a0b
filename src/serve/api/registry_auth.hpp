// The credentials that a client sends with a request (X-Registry-Auth), for that request alone.
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/os/fd.hpp"
#include "engine/images.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

class ClientCredentials {
 public:
  // Of the header for this registry; none are fine. What is none is left out, as Docker does with it.
  static Result<ClientCredentials> of(Call& call, const std::string& registry);
  // settings: AuthConfig.
  static Result<ClientCredentials> from(const Json& settings, const std::string& registry);

  // Nobody else's credentials are used, not those of the user that the server runs as either. Valid while this lives.
  image::RegistryOptions options() const;

 private:
  explicit ClientCredentials(Fd config) : config_(std::move(config)) {}
  Fd config_;  // a config.json that is in memory alone
};

}  // namespace consort::serve
