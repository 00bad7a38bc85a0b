#include "image/http/http_failure.hpp"

#include <cerrno>

namespace consort::image {

namespace {

using Kind = HttpFailure::Kind;

// OpenSSL's code, which libcurl passes on. It is "unspecified" unless the chain was checked and found invalid.
constexpr long unspecified = 1;
constexpr long not_yet_valid = 9;
constexpr long has_expired = 10;

Kind kind_of(const TransportFacts& facts, bool through_proxy) {
  switch (facts.code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return Kind::interrupted;
    case CURLE_COULDNT_RESOLVE_HOST:
      return Kind::unresolved;
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Kind::proxy;
    case CURLE_COULDNT_CONNECT:
      if (through_proxy) return Kind::proxy;
      return facts.os_errno == ETIMEDOUT ? Kind::timed_out : Kind::refused;
    case CURLE_OPERATION_TIMEDOUT:
      return Kind::timed_out;
    case CURLE_SSL_CONNECT_ERROR:
      return Kind::handshake;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return Kind::certificate;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      // The proxy refused CONNECT.
      return through_proxy && facts.connect_status >= 300 ? Kind::proxy : Kind::broken;
    default:
      return Kind::other;
  }
}

Code code_of(Kind kind) {
  if (kind == Kind::interrupted) return Code::interrupted;
  if (kind == Kind::certificate) return Code::denied;
  return Code::io;
}

// Apart from the other certificate problems, only one is left: the signer is unknown.
std::string certificate_advice(const TransportFacts& facts, const Url& url) {
  if (facts.verify_result == has_expired)
    return "its certificate has expired: the administrator of " + url.place() +
           " must renew it (or is the clock of this machine wrong?)";
  if (facts.verify_result == not_yet_valid)
    return "its certificate is not valid yet: is the clock of this machine wrong?";
  if (facts.verify_result <= unspecified)
    return "its certificate is for another name than " + url.host +
           ": use the name in the certificate, or get a certificate for this name";
  return "if the server is yours, put its CA certificate at /etc/docker/certs.d/" + url.place() +
         "/ca.crt, or mark the registry as insecure in registries.conf";
}

std::string proxy_name(const std::string& proxy) {
  const auto url = Url::parse(proxy.find("://") == std::string::npos ? "http://" + proxy : proxy);
  return url ? url->scheme + "://" + url->place() : "the proxy";  // without its password
}

std::string proxy_advice(const Url& url, const std::string& proxy, long status) {
  const std::string variable = url.scheme == "https" ? "HTTPS_PROXY" : "HTTP_PROXY";
  if (status == 407) return proxy_name(proxy) + " requires a login: " + variable + "=http://USER:PASSWORD@HOST:PORT";
  if (status > 0)
    return proxy_name(proxy) + " does not allow this: ask its administrator, or add " + url.host + " to NO_PROXY";
  return proxy_name(proxy) + " (from " + variable + " or ALL_PROXY) cannot be reached: does it run? If " + url.host +
         " can be reached without it, add the name to NO_PROXY";
}

std::string advice(Kind kind, const TransportFacts& facts, const Url& url, const std::string& proxy) {
  if (kind == Kind::certificate) return certificate_advice(facts, url);
  if (kind == Kind::proxy) return proxy_advice(url, proxy, facts.connect_status);
  if (kind == Kind::unresolved)
    return "check the name and the network. If the registry is unreachable, set a mirror in registries.conf, or load "
           "the image with `image load`";
  if (kind == Kind::refused) return "is the registry running, and is its address right?";
  return {};
}

}  // namespace

HttpFailure transport_failure(const TransportFacts& facts, const Url& url, const std::string& proxy, int status) {
  const Kind kind = kind_of(facts, !proxy.empty());
  Error error(code_of(kind), "request");
  error.data().object = url.shown;
  error.data().why = kind == Kind::interrupted ? "interrupted" : facts.detail;
  if (kind == Kind::refused && facts.os_errno == ECONNREFUSED) error.data().sys_errno = ECONNREFUSED;
  error.data().hint = advice(kind, facts, url, proxy);
  HttpFailure failure(kind, std::move(error));
  failure.partial = status / 100 == 2;
  if (facts.code == CURLE_PARTIAL_FILE) failure.error.data().http_status = status;
  return failure;
}

HttpFailure proxy_refusal(const Url& url, const std::string& proxy) {
  Error error(Code::denied, "request");
  error.data().object = url.shown;
  error.data().why = "the proxy requires a login";
  error.data().hint = proxy_advice(url, proxy, 407);
  return {Kind::proxy, std::move(error)};
}

}  // namespace consort::image
