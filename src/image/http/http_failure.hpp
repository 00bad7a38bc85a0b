// libcurl's failures in words, with what to try.
#pragma once

#include <chrono>
#include <string>

#include "image/http/curl.hpp"
#include "image/http/http.hpp"
#include "image/http/url.hpp"

namespace consort::image {

struct TransportFacts {
  CURLcode code = CURLE_OK;
  std::string detail;       // libcurl's own words
  long os_errno = 0;        // of the connection
  long connect_status = 0;  // of the proxy, when asked for a tunnel
  long verify_result = 0;   // OpenSSL's X509_V_ERR_...
  std::chrono::milliseconds answer_within{0};
};

// status: of an answer that had begun. proxy: "" if none was asked.
HttpFailure transport_failure(const TransportFacts& facts, const Url& url, const std::string& proxy, int status);
// The proxy answered 407 itself.
HttpFailure proxy_refusal(const Url& url, const std::string& proxy);

}  // namespace consort::image
