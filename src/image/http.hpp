// HTTP for registries and downloads: libcurl, loaded when the first request is made. Blocking; one client may be used
// by several threads. Connections are kept and used again.
#pragma once

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
  std::string extra_authorities;   // PEM, beside the system's
  std::string client_certificate;  // path
  std::string client_key;          // path
};

struct HttpRequest {
  enum class Method : std::uint8_t { get, head, post, put, patch, del } method = Method::get;
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string basic_user, basic_password;
  std::string body;  // of post, put
  // A body of known length that is produced while it is sent. Called again from the start if the server asks for that.
  std::function<Result<std::size_t>(std::span<std::byte>)> upload;
  std::uint64_t upload_size = 0;
  // Takes the body of a 2xx answer as it comes. Answers otherwise, and without a sink, are kept in HttpResponse::body.
  std::function<Result<>(std::span<const std::byte>)> sink;
  // Told the answer's status and headers before the first byte of a 2xx body goes to the sink.
  std::function<Result<>(const struct HttpResponse&)> on_headers;
  std::function<void(std::uint64_t)> on_uploaded;
  std::size_t max_body = 8 << 20;  // of HttpResponse::body; more is Code::invalid
  TlsSettings tls;
  std::stop_token cancel;
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; repeated ones joined by ", "
  std::string body;
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any answer is a success, whatever its status. Failures: Code::io (connection, cut off), Code::denied
  // (certificate), Code::interrupted, or what the sink or upload gave.
  Result<HttpResponse> perform(const HttpRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string url_encode(std::string_view text);
// "Basic ..." needs it, and Docker's config.json.
std::string base64_encode(std::string_view text);
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace consort::image
