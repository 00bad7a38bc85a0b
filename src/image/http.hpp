// HTTP for registries and downloads: libcurl, loaded when the first request is made. Blocking, but ended at once by a
// stop_token, whatever it waits for; one client may be used by several threads. Connections are kept and used again.
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
  // Whether the system's authorities count next to them, or not if there are any.
  enum class System : std::uint8_t { trusted, replaced } system = System::trusted;
  std::string client_certificate;      // path
  std::string client_key;              // path
  std::string client_certificate_pem;  // itself; instead of the path
  std::string client_key_pem;
  std::string server_name;  // that the server's certificate is for; "": the address has it
};

struct HttpRequest {
  enum class Method : std::uint8_t { get, head, post, put, patch, del } method = Method::get;
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  // A header of its own, "Authorization: ...": never sent to another origin than that of url, wherever that redirects.
  std::string authorization;
  std::string body;  // of post, put
  // A body of known length that is produced while it is sent. Such a request follows no redirect.
  std::function<Result<std::size_t>(std::span<std::byte>)> upload;
  std::uint64_t upload_size = 0;
  // Takes the body of a 2xx answer as it comes. Answers otherwise, and without a sink, are kept in HttpResponse::body.
  std::function<Result<>(std::span<const std::byte>)> sink;
  // Told the answer's status and headers before the first byte of a 2xx body goes to the sink.
  std::function<Result<>(const struct HttpResponse&)> on_headers;
  std::function<void(std::uint64_t)> on_uploaded;
  std::size_t max_body = 8 << 20;  // of HttpResponse::body; more is Code::invalid
  // What is kept is decoded if the server has encoded it (without having been asked to); for a sink, only on demand.
  enum class Decoding : std::uint8_t { kept_bodies, all } decoding = Decoding::kept_bodies;
  // Where a redirect may lead. downgrade: from https to http, for content that is checked by its digest.
  enum class Redirects : std::uint8_t { none, safe, downgrade } redirects = Redirects::safe;
  TlsSettings tls;
  std::optional<std::string> proxy;  // this one, or "" for none, whatever the environment says
  // Until the connection stands; until the answer begins (0: only `stall` counts; uploads are not bounded by it); and
  // without a byte that is worth mentioning once it has begun, in whole seconds (0: as long as it takes).
  std::chrono::milliseconds connect_within{20'000};
  std::chrono::milliseconds answer_within{0};
  std::chrono::seconds stall{30};
  std::stop_token cancel;
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; repeated ones joined by ", "
  std::string body;
  std::string url;  // that answered: the last one, after redirects
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

// Why there is no answer: `kind` is for branching, `error` for people.
struct HttpFailure {
  enum class Kind : std::uint8_t {
    unresolved,   // the name is not known
    refused,      // nothing listens there
    timed_out,    // no connection, no answer, or no byte for too long
    handshake,    // what answers there does not speak TLS
    certificate,  // it is not to be trusted
    proxy,        // the proxy cannot be reached, or refuses
    broken,       // cut off; `partial` if it had answered
    interrupted,  // by HttpRequest::cancel
    other,        // what the sink or upload gave, and the rest
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

  // Any answer is a success, whatever its status. Proxies are those of the environment, as Go programs read it.
  HttpAnswer perform(const HttpRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace consort::image
