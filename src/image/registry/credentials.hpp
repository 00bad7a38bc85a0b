// Docker's ~/.docker/config.json and the helper programs it names (docker-credential-NAME).
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::image {

struct Credential {
  std::string username;
  std::string password;
  std::string identity_token;  // instead of a password, from an OAuth login

  friend bool operator==(const Credential&, const Credential&) = default;
};

// What the text of a config.json itself holds for a registry (its "auths"); source names it in errors.
Result<std::optional<Credential>> stored_credential(std::string_view config_json, const std::string& registry,
                                                    const std::string& source);

struct CredentialLookup {
  std::optional<Credential> credential;
  std::vector<Error> trouble;  // with what could have held one: a helper that is missing, a file that cannot be read
};

// $DOCKER_AUTH_CONFIG (what a config.json holds, itself) goes before the file and its helpers when credentials are
// read.
class CredentialStore {
 public:
  // path "": $DOCKER_CONFIG/config.json, else ~/.docker/config.json. A missing file holds nothing.
  explicit CredentialStore(const std::string& path);

  // Only Code::interrupted: a helper may ask somebody for a password.
  Result<CredentialLookup> find(const std::string& registry, const std::stop_token& cancel = {}) const;
  // Gives the place, for the message: the file's path or "credential helper NAME".
  Result<std::string> put(const std::string& registry, const Credential& credential) const;
  Result<> erase(const std::string& registry) const;

 private:
  std::string path_;
};

}  // namespace consort::image
