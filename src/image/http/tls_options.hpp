// Whom a connection trusts, and what it shows of itself, as libcurl takes it.
#pragma once

#include "image/http.hpp"
#include "image/http/curl.hpp"

namespace consort::image {

// What the settings hold is copied.
void set_tls(const CurlLibrary& curl, CURL* handle, const TlsSettings& tls);

}  // namespace consort::image
