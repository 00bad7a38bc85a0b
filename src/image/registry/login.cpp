#include "image/registry/registry.hpp"
#include "image/stored_login.hpp"

namespace consort::image {

namespace {

// The name under which credentials are stored: "", "docker.io" and the old index address mean Docker Hub.
std::string normal_registry(const std::string& registry) {
  std::string host = registry;
  for (const std::string_view scheme : {"https://", "http://"})
    if (host.starts_with(scheme)) host.erase(0, scheme.size());
  host = host.substr(0, host.find('/'));
  return host.empty() || host == "index.docker.io" || host == "registry-1.docker.io" ? "docker.io" : host;
}

}  // namespace

Result<std::string> login(const std::string& registry, const Login& login, const RegistryOptions& options,
                          const std::stop_token& cancel) {
  const RegistryAccess access = TRY(RegistryAccess::load(options));
  const std::string host = normal_registry(registry);
  const Location location{host == "docker.io" ? "registry-1.docker.io" : host, "", access.conf.is_insecure(host),
                          false};
  Registry server(access, location, Registry::Actions::pull, cancel);
  const Credential credential{login.username, login.password, {}};
  Result<> verified = server.verify(credential);
  if (!verified) {
    Error error = std::move(verified).error();
    if (error.code() == Code::denied && error.http_status() != 0) {
      Error outer(Code::denied, "unauthorized: incorrect username or password");
      outer.data().http_status = error.http_status();
      return fail(std::move(outer));
    }
    return fail(std::move(error));
  }
  return access.credentials.put(host, credential);
}

Result<std::optional<Login>> stored_login(const std::string& registry, const RegistryOptions& options,
                                          const std::stop_token& cancel) {
  const CredentialStore store(options.docker_config);
  CredentialLookup found = TRY(store.find(normal_registry(registry), cancel));
  for (const Error& trouble : found.trouble)
    if (options.warn) options.warn(trouble.message());
  if (!found.credential || found.credential->password.empty()) return std::nullopt;
  return Login{std::move(found.credential->username), std::move(found.credential->password)};
}

Result<> logout(const std::string& registry, const RegistryOptions& options) {
  return CredentialStore(options.docker_config).erase(normal_registry(registry));
}

}  // namespace consort::image
