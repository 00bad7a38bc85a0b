// Sets on a libcurl handle which certificates a connection trusts and which one it presents.
#pragma once

#include "image/http.hpp"
#include "image/http/curl.hpp"
#include "image/http/url.hpp"

namespace consort::image {

// Copies what the settings hold.
void set_tls(const CurlLibrary& curl, CURL* handle, const TlsSettings& tls);

// An address in the form that libcurl takes. If the server's certificate is for another name ("": it is not), that name
// replaces the host, and the connection still goes to the original address.
struct Asked {
  std::string address;
  CurlList connect_to;
};
Result<Asked> asked_for(const CurlLibrary* curl, const std::string& address, const Url& url,
                        const std::string& server_name);
// `asked` must live as long as the handle connects.
void set_address(const CurlLibrary& curl, CURL* handle, const Asked& asked);

}  // namespace consort::image
