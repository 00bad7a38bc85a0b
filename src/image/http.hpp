// HTTP for registries and downloads, using libcurl, which is loaded with the first request. Calls block, but a
// stop_token ends any of them at once. One client may be used by several threads. Connections are reused.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace consort::image {

struct TlsSettings {
  enum class Verify : std::uint8_t { yes, no } verify = Verify::yes;
  std::string extra_authorities;  // PEM
  // Whether the system's authorities are trusted in addition, or replaced if there are extra ones.
  enum class System : std::uint8_t { trusted, replaced } system = System::trusted;
  std::string client_certificate;      // path
  std::string client_key;              // path
  std::string client_certificate_pem;  // the PEM text itself, instead of a path
  std::string client_key_pem;
  std::string server_name;  // name to expect in the server's certificate; "": the one in the URL
};

struct HttpRequest {
  enum class Method : std::uint8_t { get, head, post, put, patch, del } method = Method::get;
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  // Sent as "Authorization: ...", and never to another origin than that of `url`, wherever a redirect leads.
  std::string authorization;
  std::string body;  // for post and put
  // A body of known length that is produced while it is sent. Such a request follows no redirects.
  std::function<Result<std::size_t>(std::span<std::byte>)> upload;
  std::uint64_t upload_size = 0;
  // Receives the body of a 2xx answer as it arrives. Other answers, or all without a sink, go to HttpResponse::body.
  std::function<Result<>(std::span<const std::byte>)> sink;
  // Called with the answer's status and headers before the first byte of a 2xx body goes to the sink.
  std::function<Result<>(const struct HttpResponse&)> on_headers;
  std::function<void(std::uint64_t)> on_uploaded;
  std::size_t max_body = 8 << 20;  // limit of HttpResponse::body; more is Code::invalid
  // Kept bodies are decoded if the server encoded them (without being asked to); data for a sink only with `all`.
  enum class Decoding : std::uint8_t { kept_bodies, all } decoding = Decoding::kept_bodies;
  // Where redirects may lead. downgrade: also from https to http, for content that is verified by its digest.
  enum class Redirects : std::uint8_t { none, safe, downgrade } redirects = Redirects::safe;
  TlsSettings tls;
  std::optional<std::string> proxy;  // this proxy, or "" for none, regardless of the environment
  // Limits: until the connection is established; until the answer begins (0: only `stall` applies; uploads are exempt);
  // and, once it has begun, in whole seconds without significant progress (0: no limit).
  std::chrono::milliseconds connect_within{20'000};
  std::chrono::milliseconds answer_within{0};
  std::chrono::seconds stall{30};
  std::stop_token cancel;
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; repeated headers joined by ", "
  std::string body;
  std::string url;  // the last one, after redirects
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

// Why there is no answer: `kind` is for decisions, `error` for people.
struct HttpFailure {
  enum class Kind : std::uint8_t {
    unresolved,   // unknown host name
    refused,      // nothing listens there
    timed_out,    // no connection, no answer, or no byte for too long
    handshake,    // the server does not speak TLS
    certificate,  // not trusted
    proxy,        // the proxy is unreachable or refuses
    broken,       // connection lost; `partial` if the answer had begun
    interrupted,  // by HttpRequest::cancel
    other,        // an error from the sink or the upload, and everything else
  };
  HttpFailure(Error what) : error(std::move(what)) {}  // NOLINT(google-explicit-constructor): so that TRY passes it on
  HttpFailure(Kind why, Error what) : kind(why), error(std::move(what)) {}

  Kind kind = Kind::other;
  bool partial = false;  // a 2xx answer had begun
  Error error;

  operator Error() && { return std::move(error); }  // NOLINT(google-explicit-constructor): likewise
  Error wrap(std::string what, std::string object = {},
             std::source_location raised = std::source_location::current()) && {
    return std::move(error).wrap(std::move(what), std::move(object), raised);
  }
  Code code() const { return error.code(); }
};
using HttpAnswer = std::expected<HttpResponse, HttpFailure>;

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Every answer is a success, whatever its status. Proxies come from the environment, read as Go programs do.
  HttpAnswer perform(const HttpRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace consort::image
