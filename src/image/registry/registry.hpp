// One repository at one registry, over the OCI distribution protocol: finds out how to speak to it (TLS, plain HTTP),
// authenticates, tries again what failed for a while, and explains what failed for good.
//
// Secrets (tokens, passwords, a client certificate) go to the registry's own origin and to the token server that it
// names, and nowhere else: not where a redirect or an upload's Location leads, and not because such a place asks.
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

// What all registries of one command share.
struct RegistryAccess {
  RegistriesConf conf;
  CredentialStore credentials;
  std::vector<std::string> certificate_folders;
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
  // selector: a tag or a digest, which is checked.
  Result<Document> manifest(const std::string& selector);
  // The same in two steps: the answer, whatever it is, and what it holds.
  HttpAnswer ask_manifest(const std::string& selector);
  static Result<Document> document_of(HttpResponse response, const std::string& selector);
  // By HEAD, tried once: registries do not count it as a pull. nullopt: this one does not say it this way.
  std::expected<std::optional<Digest>, HttpFailure> head_manifest(const std::string& selector);

  // Gives the bytes of a blob that shall have this size, from offset on. Broken connections are taken up again where
  // they broke, for as long as Patience says. More than its size is an error; its digest is not
  // checked here.
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

  // Before the first request of a push: repositories that layers will be mounted from, so that the token allows it.
  void will_mount_from(std::vector<std::string> repositories);
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
  // As people call it, and `login` does: "docker.io", "localhost:5000".
  std::string name() const;
  // What to try when it refuses: a login, or why there is none though it was meant.
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
  mutable std::mutex mutex_;        // of what follows
  std::optional<Url> base_;         // found out when first needed
  std::string authorization_;       // header line, "" until asked for
  bool introduced_ = false;         // credentials were offered without having been asked for
  std::vector<std::string> mounted_from_;
  std::string credential_trouble_;  // why there are none
  bool had_credential_ = false;
};

}  // namespace consort::image
