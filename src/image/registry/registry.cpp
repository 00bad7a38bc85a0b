#include "image/registry/registry.hpp"

#include <array>
#include <cstdlib>

#include "base/json.hpp"
#include "base/strings.hpp"

namespace consort::image {

namespace {

constexpr std::size_t max_tags_page = 16 << 20;
constexpr int max_tags_pages = 100;

std::string accept_header() {
  const std::array<std::string, 4> types{std::string(media::oci_index), std::string(media::docker_index),
                                         std::string(media::oci_manifest), std::string(media::docker_manifest)};
  return "Accept: " + join(types, ", ");
}

}  // namespace

Result<RegistryAccess> RegistryAccess::load(const RegistryOptions& options) {
  RegistriesConf conf = TRY(RegistriesConf::load(options.registries_conf, options.docker_daemon));
  const std::optional<Error>& trouble = conf.trouble();
  if (trouble && options.warn) options.warn(trouble->message() + "; continuing without it");
  RegistryAccess access{std::move(conf), CredentialStore(options.docker_config), options.certificate_directories,
                        options.patience, options.warn};
  for (const std::string& host : options.insecure) access.conf.add_insecure(host);
  if (access.certificate_directories.empty()) {  // containers-certs.d(5), the user's directory first
    if (const char* home = std::getenv("HOME"); home && *home)
      access.certificate_directories.push_back(std::string(home) + "/.config/containers/certs.d");
    access.certificate_directories.insert(access.certificate_directories.end(),
                                          {"/etc/containers/certs.d", "/etc/docker/certs.d"});
  }
  return access;
}

Registry::Registry(const RegistryAccess& access, Location location, Actions actions, std::stop_token cancel)
    : access_(access), location_(std::move(location)), actions_(actions), cancel_(std::move(cancel)) {}

std::string Registry::name() const {
  return location_.host == "registry-1.docker.io" ? "docker.io" : location_.host;
}

std::string Registry::login_advice() const {
  const std::scoped_lock lock(mutex_);
  if (!credential_trouble_.empty()) return "it was asked without a login, since " + credential_trouble_;
  if (had_credential_)
    return "your login at " + name() + " does not allow it: " + login_command(name()) + " changes it";
  return "if it exists, log in first: " + login_command(name());
}

Result<std::string> Registry::url(const std::string& rest) {
  const Url server = TRY(base());
  return server.shown + "/v2/" + location_.repository + rest;
}

// Determines once whether the server supports TLS. Plain HTTP is used only if allowed.
Result<Url> Registry::base() {
  const std::scoped_lock lock(mutex_);
  if (base_) return *base_;
  const auto at = [&](const char* scheme) -> Result<Url> {
    Url url = TRY(Url::parse(scheme + location_.host));
    url.shown = url.scheme + "://" + url.place();
    return url;
  };
  Url secure = TRY(at("https://"));
  if (!location_.insecure) {
    base_ = std::move(secure);
    return *base_;
  }
  HttpRequest probe;
  probe.url = secure.shown + "/v2/";
  auto answer = perform(std::move(probe), secure);
  if (!answer) {
    using Kind = HttpFailure::Kind;
    const Kind kind = answer.error().kind;
    // A server that does not answer in time will not do so over HTTP. (One whose name is unknown may answer through an
    // HTTP proxy.)
    if (kind == Kind::interrupted || kind == Kind::timed_out) return fail(std::move(answer).error());
    secure = TRY(at("http://"));
  }
  base_ = std::move(secure);
  return *base_;
}

HttpAnswer Registry::perform(HttpRequest request, const Url& target) {
  request.tls = TRY(tls_for(target));
  request.cancel = cancel_;
  const Patience& patience = access_.patience;
  request.connect_within = location_.mirror ? patience.mirror_connect : patience.connect;
  if (location_.mirror) {
    request.stall = patience.mirror_stall;
    if (!request.sink) request.answer_within = patience.mirror_answer;  // the mirror may have to fetch a layer itself
  }
  return access_.http->perform(request);
}

// One request, with authentication if it is needed.
HttpAnswer Registry::send(HttpRequest request) {
  const Url server = TRY(base());
  const Url target = TRY(Url::parse(request.url));
  const bool ours = target.same_origin(server);
  for (int round = 0;; ++round) {
    std::string sent;
    if (ours) {
      const std::scoped_lock lock(mutex_);
      sent = authorization_;
    }
    request.authorization = sent;
    HttpAnswer answer = perform(request, target);
    if (!answer && answer.error().kind == HttpFailure::Kind::handshake) explain_handshake(answer.error());
    if (!answer || !ours) return answer;
    // An answer from another server, after a redirect, is no reason to send credentials.
    if (!TRY(Url::parse(answer->url)).same_origin(server)) return answer;
    const bool hidden = answer->status == 404 && sent.empty();
    // Two rounds, because the first answer may be to an expired token.
    if ((answer->status != 401 && !hidden) || round == 2) return answer;
    const std::scoped_lock lock(mutex_);
    if (authorization_ != sent) continue;  // another thread has already done it
    if (round == 1) return answer;
    if (hidden)
      TRY(introduce(server));
    else
      TRY(authenticate(*answer));
    // A request body that has been sent cannot be sent again from here.
    if (authorization_.empty() || request.upload) return answer;
  }
}

// A server without TLS answers a handshake with garbage: check whether this is one.
void Registry::explain_handshake(HttpFailure& failure) {
  if (location_.insecure) return;
  HttpRequest probe;
  probe.url = "http://" + location_.host + "/v2/";
  probe.redirects = HttpRequest::Redirects::none;
  const auto url = Url::parse(probe.url);
  if (!url || !perform(std::move(probe), *url)) return;
  failure.error.data().why = location_.host + " speaks plain HTTP, not HTTPS";
  failure.error.data().hint =
      "if you trust the network, add this to /etc/containers/registries.conf: [[registry]] location "
      "= "
      "\"" +
      location_.host + "\" insecure = true (each on a line of its own)";
}

Retry Registry::retry_of_manifests() const {
  const Patience& patience = access_.patience;
  const auto limit = location_.mirror ? std::min(patience.manifests, patience.mirror_manifests) : patience.manifests;
  return {access_.patience, limit, Retry::What::answers};
}

Retry Registry::retry_of_layers() const {
  const auto limit = location_.mirror ? access_.patience.mirror_layers : access_.patience.layers;
  return {access_.patience, limit, Retry::What::connections_too};
}

HttpAnswer Registry::send_retrying(const HttpRequest& request) {
  for (Retry retry = retry_of_manifests();;) {
    HttpAnswer answer = send(request);
    if (location_.mirror && !answer && answer.error().kind == HttpFailure::Kind::timed_out) return answer;
    const auto pause = retry.pause(answer);
    if (!pause) return answer;
    TRY(sleep_for(*pause, cancel_));
  }
}

HttpAnswer Registry::ask_manifest(const std::string& selector) {
  HttpRequest request;
  request.url = TRY(url("/manifests/" + selector));
  request.headers.push_back(accept_header());
  request.max_body = max_manifest_bytes;
  return send_retrying(request);
}

Result<Registry::Document> Registry::document_of(HttpResponse response, const std::string& selector) {
  if (response.status != 200) return fail(registry_error(response, "fetch manifest", selector));
  const Digest digest = Digest::of(response.body);
  const std::string claimed = selector.starts_with("sha256:") ? selector : response.header("docker-content-digest");
  if (claimed.starts_with("sha256:") && claimed != digest.text())
    return fail(Error(Code::invalid, "verify manifest")
                    .on(selector)
                    .why("its content has the digest " + digest.text() + ", not " + claimed));
  std::string type = response.header("content-type");
  return Document{std::move(response.body), std::move(type), digest};
}

Result<Registry::Document> Registry::manifest(const std::string& selector) {
  return document_of(TRY(ask_manifest(selector)), selector);
}

std::expected<std::optional<Digest>, HttpFailure> Registry::head_manifest(const std::string& selector) {
  HttpRequest request;
  request.method = HttpRequest::Method::head;
  request.url = TRY(url("/manifests/" + selector));
  request.headers.push_back(accept_header());
  const HttpResponse response = TRY(send(request));
  if (response.status != 200) return std::nullopt;
  auto digest = Digest::parse(response.header("docker-content-digest"));
  if (!digest) return std::nullopt;
  return std::move(*digest);
}

Result<bool> Registry::has_blob(const Digest& digest) {
  HttpRequest request;
  request.method = HttpRequest::Method::head;
  request.url = TRY(url("/blobs/" + digest.text()));
  const HttpResponse response = TRY(send_retrying(request));
  if (response.status / 100 == 2) return true;
  if (response.status == 404) return false;
  return fail(registry_error(response, "look for blob", digest.text()));
}

Result<std::vector<std::string>> Registry::tags(std::size_t limit) {
  std::vector<std::string> found;
  const Url server = TRY(base());
  std::string at = TRY(url("/tags/list?n=1000"));
  for (int page = 0; page < max_tags_pages && found.size() < limit; ++page) {
    HttpRequest request;
    request.url = at;
    request.max_body = max_tags_page;
    const HttpResponse response = TRY(send_retrying(request));
    if (response.status != 200) return fail(registry_error(response, "list tags of", location_.repository));
    const std::vector<std::string> tags = get_strings(TRY(parse_json(response.body, "list of tags")), "tags");
    found.insert(found.end(), tags.begin(), tags.end());
    const std::string link = next_link(response.header("link"));
    if (link.empty()) break;
    std::string next = TRY(resolve_url(at, link));
    if (next == at || !TRY(Url::parse(next)).same_origin(server)) break;
    at = std::move(next);
  }
  if (found.size() > limit) found.resize(limit);
  return found;
}

}  // namespace consort::image
