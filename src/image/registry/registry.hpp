// One repository at one registry, over the OCI distribution protocol: finds out how to speak to it (TLS, plain HTTP),
// authenticates, tries again what failed for a while, and explains what failed for good.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "image/layer_tar.hpp"
#include "image/registry/challenge.hpp"
#include "image/registry/credentials.hpp"
#include "image/registry/http.hpp"
#include "image/registry/manifest.hpp"
#include "image/registry/registries_conf.hpp"
#include "image/transfer.hpp"

namespace consort::image {

// What all registries of one command share.
struct RegistryAccess {
  RegistriesConf conf;
  CredentialStore credentials;
  std::vector<std::string> certificate_folders;
  std::shared_ptr<HttpClient> http = std::make_shared<HttpClient>();

  static Result<RegistryAccess> load(const RegistryOptions& options);
};

class Registry {
 public:
  enum class Actions : std::uint8_t { pull, push };
  Registry(const RegistryAccess& access, Location location, Actions actions, std::stop_token cancel = {});

  struct Document {
    std::string body;
    std::string content_type;
    Digest digest;  // of the body
  };
  // selector: a tag or a digest, which is checked.
  Result<Document> manifest(const std::string& selector);
  Result<Digest> manifest_digest(const std::string& selector);  // by HEAD where the server says it

  // Gives the blob's bytes from offset on. Broken connections are taken up again where they broke, as long as each try
  // brings something. Neither size nor digest is checked here.
  using Sink = std::function<Result<>(std::span<const std::byte>)>;
  using OnRetry = std::function<void(const std::string& why)>;
  Result<> blob(const Digest& digest, std::uint64_t offset, const Sink& sink, const OnRetry& on_retry = {});
  Result<bool> has_blob(const Digest& digest);
  Result<std::vector<std::string>> tags(std::size_t limit);

  // True if the server took it from the other repository of its own.
  Result<bool> mount_blob(const Digest& digest, const std::string& from_repository);
  struct Upload {
    Digest digest;
    std::uint64_t size = 0;
    std::function<Result<ByteSource>()> open;  // from the start, each time
    std::function<void(std::uint64_t)> on_bytes;
  };
  Result<> upload_blob(const Upload& upload);
  Result<Digest> put_manifest(const std::string& selector, const std::string& body, std::string_view media_type);

  // Checks a credential, for login.
  Result<> verify(const Credential& credential);

  const Location& location() const { return location_; }
  const std::string& repository() const { return location_.repository; }

 private:
  Result<std::string> base();  // "https://host"
  Result<HttpResponse> send(HttpRequest request);
  Result<HttpResponse> send_retrying(const HttpRequest& request);
  Result<> authenticate(const HttpResponse& refused);
  Result<std::string> fetch_token(const Challenge& challenge, const std::optional<Credential>& credential);
  Result<> wait_before_retry(int attempt, const HttpResponse* answer);
  std::string url(const std::string& base, const std::string& rest) const;
  Result<TlsSettings> tls();

  const RegistryAccess& access_;
  Location location_;
  Actions actions_;
  std::stop_token cancel_;
  std::mutex tls_mutex_;
  std::optional<TlsSettings> tls_;  // read when first needed
  std::mutex mutex_;                // of what follows
  std::string base_;                // "" until found out
  std::string authorization_;       // header line, "" until asked for
};

// The registry's refusal as an Error: Code by status, why = "manifest unknown: manifest unknown".
Error registry_error(const HttpResponse& response, const std::string& what, const std::string& object);

}  // namespace consort::image
