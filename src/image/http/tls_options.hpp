// Whom a connection trusts, and what it shows of itself, as libcurl takes it.
#pragma once

#include "image/http.hpp"
#include "image/http/curl.hpp"
#include "image/http/url.hpp"

namespace consort::image {

// What the settings hold is copied.
void set_tls(const CurlLibrary& curl, CURL* handle, const TlsSettings& tls);

// An address as libcurl is to ask for it. If the server's certificate is for another name ("": it is not), that name
// stands in it, and the connection is made to where the address leads.
struct Asked {
  std::string address;
  CurlList connect_to;
};
Result<Asked> asked_for(const CurlLibrary* curl, const std::string& address, const Url& url,
                        const std::string& server_name);
// `asked` must stay as long as the handle connects.
void set_address(const CurlLibrary& curl, CURL* handle, const Asked& asked);

}  // namespace consort::image
