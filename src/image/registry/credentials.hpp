// Docker's ~/.docker/config.json and the credential helpers it names (docker-credential-NAME).
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
  std::string identity_token;  // from an OAuth login, instead of a password

  friend bool operator==(const Credential&, const Credential&) = default;
};

// The credential that the text of a config.json holds for a registry (in "auths"). source names the text in errors.
Result<std::optional<Credential>> stored_credential(std::string_view config_json, const std::string& registry,
                                                    const std::string& source);

struct CredentialLookup {
  std::optional<Credential> credential;
  std::vector<Error> trouble;  // with sources that may hold one: a missing helper, an unreadable file
};

// For reading, $DOCKER_AUTH_CONFIG (the text of a config.json) has precedence over the file and its helpers.
class CredentialStore {
 public:
  // path "": $DOCKER_CONFIG/config.json, else ~/.docker/config.json. A missing file holds no credentials.
  explicit CredentialStore(const std::string& path);

  // Fails only with Code::interrupted: a helper may be waiting for a password.
  Result<CredentialLookup> find(const std::string& registry, const std::stop_token& cancel = {}) const;
  // Returns the place, for the message: the file's path or "credential helper NAME".
  Result<std::string> put(const std::string& registry, const Credential& credential) const;
  Result<> erase(const std::string& registry) const;

 private:
  std::string path_;
};

}  // namespace consort::image
