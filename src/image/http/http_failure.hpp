// Turns libcurl's failures into error messages with hints.
#pragma once

#include <chrono>
#include <string>

#include "image/http/curl.hpp"
#include "image/http/http.hpp"
#include "image/http/url.hpp"

namespace consort::image {

struct TransportFacts {
  CURLcode code = CURLE_OK;
  std::string detail;       // libcurl's message
  long os_errno = 0;        // of the connection
  long connect_status = 0;  // the proxy's answer to CONNECT
  long verify_result = 0;   // OpenSSL's X509_V_ERR_...
  std::chrono::milliseconds answer_within{0};
};

// status: of an answer that had begun. proxy: "" if none was used.
HttpFailure transport_failure(const TransportFacts& facts, const Url& url, const std::string& proxy, int status);
// The proxy itself answered 407.
HttpFailure proxy_refusal(const Url& url, const std::string& proxy);

}  // namespace consort::image
