#include "image/registry/registry.hpp"

#include <dirent.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>

#include "base/json.hpp"
#include "base/os/file.hpp"
#include "base/strings.hpp"

namespace consort::image {

namespace {

constexpr int max_attempts = 5;  // in a row, without a byte
constexpr std::chrono::milliseconds first_pause{200};
constexpr std::chrono::seconds longest_wait{30};  // that we do on a server's word
constexpr std::size_t max_tags_page = 16 << 20;

bool is_temporary(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

bool is_temporary(const Error& error) {
  return error.code() == Code::io && error.sys_errno() == 0;
}

// "manifest unknown: manifest unknown": code in words, then the message, as Docker prints them.
std::string reason_of(const HttpResponse& response) {
  const auto json = parse_json(response.body, "answer");
  const Json* errors = json ? find_key(*json, "errors") : nullptr;
  if (errors && errors->is_array() && !errors->empty()) {
    const Json& first = errors->front();
    const std::string code = replace_all(to_lower(get_string(first, "code")), "_", " ");
    const std::string message = get_string(first, "message");
    return code.empty() ? message : message.empty() ? code : code + ": " + message;
  }
  if (json) {
    std::string details = get_string(*json, "details");  // Docker Hub's token server
    if (!details.empty()) return details;
  }
  return "HTTP status " + std::to_string(response.status);
}

std::string rate_limit_hint(const HttpResponse& response) {
  std::string hint = "the registry limits how often you may pull: log in (`consort login`), wait";
  if (const std::string after = response.header("retry-after"); !after.empty()) hint += " (it says " + after + " s)";
  return hint + ", or set a mirror in registries.conf";
}

std::string accept_header() {
  const std::array<std::string, 4> types{std::string(media::oci_index), std::string(media::docker_index),
                                         std::string(media::oci_manifest), std::string(media::docker_manifest)};
  return "Accept: " + join(types, ", ");
}

}  // namespace

Error registry_error(const HttpResponse& response, const std::string& what, const std::string& object) {
  Code code = Code::io;
  if (response.status == 404) code = Code::not_found;
  if (response.status == 401 || response.status == 403) code = Code::denied;
  if (response.status == 400 || response.status == 416) code = Code::invalid;
  if (response.status == 429) code = Code::busy;
  Error error(code, what);
  error.data().object = object;
  error.data().why = reason_of(response);
  error.data().http_status = response.status;
  if (response.status == 429) error.data().hint = rate_limit_hint(response);
  return error;
}

Result<RegistryAccess> RegistryAccess::load(const RegistryOptions& options) {
  RegistriesConf conf = TRY(RegistriesConf::load(options.registries_conf));
  RegistryAccess access{std::move(conf), CredentialStore(options.docker_config), options.certificate_folders};
  for (const std::string& host : options.insecure) access.conf.add_insecure(host);
  if (access.certificate_folders.empty()) {  // containers-certs.d(5), the user's own first
    if (const char* home = std::getenv("HOME"); home && *home)
      access.certificate_folders.push_back(std::string(home) + "/.config/containers/certs.d");
    access.certificate_folders.insert(access.certificate_folders.end(),
                                      {"/etc/containers/certs.d", "/etc/docker/certs.d"});
  }
  return access;
}

Registry::Registry(const RegistryAccess& access, Location location, Actions actions, std::stop_token cancel)
    : access_(access), location_(std::move(location)), actions_(actions), cancel_(std::move(cancel)) {}

std::string Registry::url(const std::string& base, const std::string& rest) const {
  return base + "/v2/" + location_.repository + rest;
}

// Finds out once whether the server speaks TLS. Plain HTTP only where it is allowed.
Result<std::string> Registry::base() {
  const std::scoped_lock lock(mutex_);
  if (!base_.empty()) return base_;
  const std::string secure = "https://" + location_.host;
  if (!location_.insecure) return base_ = secure;
  HttpRequest probe;
  probe.url = secure + "/v2/";
  probe.tls = TRY(tls());
  probe.cancel = cancel_;
  const auto answer = access_.http->perform(probe);
  if (!answer && answer.error().code() == Code::interrupted) return fail(Code::interrupted, "request");
  return base_ = answer ? secure : "http://" + location_.host;
}

Result<> Registry::wait_before_retry(int attempt, const HttpResponse* answer) {
  std::chrono::milliseconds pause = first_pause * (1 << std::min(attempt, 6));
  if (answer) {
    const auto asked = parse_unsigned(answer->header("retry-after"));
    if (asked && *asked > static_cast<std::uint64_t>(longest_wait.count()))
      return fail(registry_error(*answer, "request", location_.host));
    if (asked) pause = std::max<std::chrono::milliseconds>(pause, std::chrono::seconds(*asked));
  }
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any wake;
  wake.wait_for(lock, cancel_, pause, [] { return false; });  // ends early when cancelled
  if (cancel_.stop_requested()) return fail(Code::interrupted, "request");
  return {};
}

// One request, with what authentication it needs.
Result<HttpResponse> Registry::send(HttpRequest request) {
  request.tls = TRY(tls());
  request.cancel = cancel_;
  for (int round = 0;; ++round) {
    std::string sent;
    {
      const std::scoped_lock lock(mutex_);
      sent = authorization_;
    }
    HttpRequest now = request;
    if (!sent.empty()) now.headers.push_back(sent);
    HttpResponse response = TRY(access_.http->perform(now));
    // Twice: the first answer may be to a token that has run out.
    if (response.status != 401 || round == 2) return response;
    const std::scoped_lock lock(mutex_);
    if (authorization_ != sent) continue;  // another thread was faster
    if (round == 1) return response;
    TRY(authenticate(response));
    // A body that was sent cannot be sent again from here.
    if (authorization_.empty() || request.upload) return response;
  }
}

Result<HttpResponse> Registry::send_retrying(const HttpRequest& request) {
  for (int attempt = 0;; ++attempt) {
    Result<HttpResponse> response = send(request);
    const bool again = response ? is_temporary(response->status) : is_temporary(response.error());
    if (!again || attempt + 1 >= max_attempts) return response;
    TRY(wait_before_retry(attempt, response ? &*response : nullptr));
  }
}

Result<Registry::Document> Registry::manifest(const std::string& selector) {
  HttpRequest request;
  request.url = url(TRY(base()), "/manifests/" + selector);
  request.headers.push_back(accept_header());
  request.max_body = max_manifest_bytes;
  const HttpResponse response = TRY(send_retrying(request));
  if (response.status != 200) return fail(registry_error(response, "fetch manifest", selector));
  Document document{response.body, response.header("content-type"), Digest::of(response.body)};
  const std::string claimed = selector.starts_with("sha256:") ? selector : response.header("docker-content-digest");
  if (claimed.starts_with("sha256:") && claimed != document.digest.text())
    return fail(Error(Code::invalid, "verify manifest")
                    .on(selector)
                    .why("its content has the digest " + document.digest.text() + ", not " + claimed));
  return document;
}

Result<Digest> Registry::manifest_digest(const std::string& selector) {
  HttpRequest request;
  request.method = HttpRequest::Method::head;
  request.url = url(TRY(base()), "/manifests/" + selector);
  request.headers.push_back(accept_header());
  const HttpResponse response = TRY(send_retrying(request));
  if (response.status == 200)
    if (auto digest = Digest::parse(response.header("docker-content-digest"))) return digest;
  return TRY(manifest(selector)).digest;
}

Result<> Registry::blob(const Digest& digest, std::uint64_t offset, const Sink& sink, const OnRetry& on_retry) {
  for (int attempt = 0;; ++attempt) {
    std::uint64_t skip = 0;
    std::optional<Error> sink_error;
    bool received = false;
    HttpRequest request;
    request.url = url(TRY(base()), "/blobs/" + digest.text());
    if (offset > 0) request.headers.push_back("Range: bytes=" + std::to_string(offset) + "-");
    request.on_headers = [&](const HttpResponse& response) -> Result<> {
      if (response.status != 206) skip = offset;  // the server gives it all again
      return {};
    };
    request.sink = [&](std::span<const std::byte> bytes) -> Result<> {
      const std::size_t drop = static_cast<std::size_t>(std::min<std::uint64_t>(skip, bytes.size()));
      skip -= drop;
      bytes = bytes.subspan(drop);
      if (bytes.empty()) return {};
      received = true;
      offset += bytes.size();
      Result<> taken = sink(bytes);
      if (taken) return {};
      sink_error = std::move(taken).error();
      return fail(Code::internal, "stop");
    };
    Result<HttpResponse> response = send(request);
    if (sink_error) return fail(std::move(*sink_error));
    if (response && (response->status == 200 || response->status == 206)) return {};
    // Asked for what lies behind the end: it was complete already. docker-registry announces a longer body for this
    // answer than it sends, which makes it a failed transfer.
    const int status = response ? response->status : response.error().http_status();
    if (status == 416 && offset > 0) return {};
    const bool restarting = !response && offset > 0 && response.error().sys_errno() == ECONNREFUSED;
    const bool again = response ? is_temporary(response->status) : is_temporary(response.error()) || restarting;
    if (received) attempt = 0;
    if (!again || attempt + 1 >= max_attempts) {
      // A server that answers each time and never gives another byte has no more of it.
      if (!response && response.error().http_status() / 100 == 2)
        return fail(Error(Code::invalid, "download")
                        .on(digest.text())
                        .why("the registry breaks off after " + std::to_string(offset) + " bytes each time"));
      if (!response) return fail(std::move(response).error().wrap("download", digest.text()));
      return fail(registry_error(*response, "download", digest.text()));
    }
    if (on_retry) on_retry(response ? reason_of(*response) : response.error().message());
    TRY(wait_before_retry(attempt, response ? &*response : nullptr));
  }
}

Result<bool> Registry::has_blob(const Digest& digest) {
  HttpRequest request;
  request.method = HttpRequest::Method::head;
  request.url = url(TRY(base()), "/blobs/" + digest.text());
  const HttpResponse response = TRY(send_retrying(request));
  if (response.status == 200) return true;
  if (response.status == 404) return false;
  return fail(registry_error(response, "look for blob", digest.text()));
}

Result<std::vector<std::string>> Registry::tags(std::size_t limit) {
  std::vector<std::string> found;
  std::string last;
  while (found.size() < limit) {
    HttpRequest request;
    request.url = url(TRY(base()), "/tags/list?n=1000" + (last.empty() ? "" : "&last=" + url_encode(last)));
    request.max_body = max_tags_page;
    const HttpResponse response = TRY(send_retrying(request));
    if (response.status != 200) return fail(registry_error(response, "list tags of", location_.repository));
    const std::vector<std::string> page = get_strings(TRY(parse_json(response.body, "list of tags")), "tags");
    found.insert(found.end(), page.begin(), page.end());
    // A Link header says that there is more; the page's last tag is where it goes on.
    if (page.empty() || response.header("link").empty() || page.back() == last) break;
    last = page.back();
  }
  if (found.size() > limit) found.resize(limit);
  return found;
}

namespace {

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

// As Docker reads certs.d/HOST/: *.crt are authorities, NAME.cert with NAME.key is for the client.
Result<> read_certificates(const std::string& folder, TlsSettings& settings) {
  const std::unique_ptr<DIR, DirCloser> stream(::opendir(folder.c_str()));
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr) {
    const std::string path = folder + "/" + entry->d_name;
    if (path.ends_with(".crt")) settings.extra_authorities += TRY(read_file(path, 1 << 20)) + "\n";
    if (!path.ends_with(".cert")) continue;
    settings.client_certificate = path;
    settings.client_key = path.substr(0, path.size() - 5) + ".key";
    if (!path_exists(settings.client_key))
      return fail(Error(Code::invalid, "read").on(path).why("its .key file is missing"));
  }
  return {};
}

}  // namespace

Result<TlsSettings> Registry::tls() {
  const std::scoped_lock lock(tls_mutex_);
  if (tls_) return *tls_;
  TlsSettings settings;
  if (location_.insecure) settings.verify = TlsSettings::Verify::no;
  for (const std::string& folder : access_.certificate_folders) {
    TRY(read_certificates(folder + "/" + location_.host, settings));
    if (!settings.extra_authorities.empty() || !settings.client_certificate.empty()) break;
  }
  if (const char* bundle = std::getenv("SSL_CERT_FILE"); bundle && *bundle)
    settings.extra_authorities += TRY(read_file(bundle, 16 << 20));
  tls_ = std::move(settings);
  return *tls_;
}

}  // namespace consort::image
