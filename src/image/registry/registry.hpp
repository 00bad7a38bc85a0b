// One repository at one registry, accessed with the OCI distribution protocol: determines the transport (TLS or plain
// HTTP), authenticates, retries temporary failures for a while, and explains permanent ones.
//
// Secrets (tokens, passwords, a client certificate) go only to the registry's own origin and to the token server that
// it names: never to the target of a redirect or of an upload's Location, even if that server asks for them.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "image/http/challenge.hpp"
#include "image/http/http.hpp"
#include "image/http/url.hpp"
#include "image/layer_tar.hpp"
#include "image/registry/credentials.hpp"
#include "image/registry/manifest.hpp"
#include "image/registry/refusal.hpp"
#include "image/registry/registries_conf.hpp"
#include "image/registry/retry.hpp"
#include "image/transfer.hpp"

namespace consort::image {

// Shared by all registries of one command.
struct RegistryAccess {
  RegistriesConf conf;
  CredentialStore credentials;
  std::vector<std::string> certificate_directories;
  Patience patience{};
  std::function<void(const std::string&)> warn{};
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
  // selector: a tag, or a digest, which is verified.
  Result<Document> manifest(const std::string& selector);
  // The same in two steps: request the manifest, whatever the answer, then parse it.
  HttpAnswer ask_manifest(const std::string& selector);
  static Result<Document> document_of(HttpResponse response, const std::string& selector);
  // Uses HEAD, once, because registries do not count it as a pull. nullopt: the registry does not report the digest.
  std::expected<std::optional<Digest>, HttpFailure> head_manifest(const std::string& selector);

  // Delivers the bytes of a blob of this size, starting at offset. Broken connections are resumed where they broke, for
  // as long as Patience allows. More bytes than its size are an error; the digest is not checked here.
  using Sink = std::function<Result<>(std::span<const std::byte>)>;
  using OnRetry = std::function<void(const std::string& why)>;
  struct BlobPart {
    Digest digest;
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
  };
  Result<> blob(const BlobPart& part, const Sink& sink, const OnRetry& on_retry = {});
  Result<bool> has_blob(const Digest& digest);
  Result<std::vector<std::string>> tags(std::size_t limit);

  // Call it before a push's first request: the repositories to mount layers from, so that the token permits it.
  void will_mount_from(std::vector<std::string> repositories);
  // Returns true if the server mounted it from its other repository.
  Result<bool> mount_blob(const Digest& digest, const std::string& from_repository);
  struct Upload {
    Digest digest;
    std::uint64_t size = 0;
    std::function<Result<ByteSource>()> open;  // reopens it from the start each time
    std::function<void(std::uint64_t)> on_bytes;
  };
  Result<> upload_blob(const Upload& upload);
  Result<Digest> put_manifest(const std::string& selector, const std::string& body, std::string_view media_type);

  // Checks a credential, for `login`.
  Result<> verify(const Credential& credential);

  const Location& location() const { return location_; }
  const std::string& repository() const { return location_.repository; }
  // The name that users and `login` use: "docker.io", "localhost:5000".
  std::string name() const;
  // A hint for refusals: to log in, or why the configured login could not be used.
  std::string login_advice() const;

 private:
  friend class BlobTransfer;
  Result<Url> base();  // "https://host"
  Result<std::string> url(const std::string& rest);
  HttpAnswer send(HttpRequest request);
  HttpAnswer send_retrying(const HttpRequest& request);
  HttpAnswer perform(HttpRequest request, const Url& target);
  Result<> authenticate(const HttpResponse& refused);
  Result<> introduce(const Url& base);
  Result<std::optional<Credential>> credential();
  Result<std::string> fetch_token(const Challenge& challenge, const std::optional<Credential>& credential);
  void explain_handshake(HttpFailure& failure);
  Result<TlsSettings> tls();
  Result<TlsSettings> tls_for(const Url& target);
  Retry retry_of_manifests() const;
  Retry retry_of_layers() const;

  const RegistryAccess& access_;
  Location location_;
  Actions actions_;
  std::stop_token cancel_;
  std::mutex tls_mutex_;
  std::optional<TlsSettings> tls_;  // read when first needed
  mutable std::mutex mutex_;        // protects the following members
  std::optional<Url> base_;         // determined when first needed
  std::string authorization_;       // header line; "" until requested
  bool introduced_ = false;         // credentials were sent without being asked for
  std::vector<std::string> mounted_from_;
  std::string credential_trouble_;  // why there are no credentials
  bool had_credential_ = false;
};

}  // namespace consort::image
