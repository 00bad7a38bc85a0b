#include "image/http/tls_options.hpp"

namespace consort::image {

namespace {

void set_blob(const CurlLibrary& curl, CURL* handle, CURLoption option, const std::string& text) {
  curl_blob blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_COPY};
  curl.easy_setopt(handle, option, &blob);
}

}  // namespace

void set_tls(const CurlLibrary& curl, CURL* handle, const TlsSettings& tls) {
  if (tls.verify == TlsSettings::Verify::no) {
    curl.easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl.easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!tls.extra_authorities.empty()) {
    set_blob(curl, handle, CURLOPT_CAINFO_BLOB, tls.extra_authorities);
    // The system's authorities are loaded through CURLOPT_CAPATH's default.
    if (tls.system == TlsSettings::System::replaced)
      curl.easy_setopt(handle, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (!tls.client_certificate.empty()) curl.easy_setopt(handle, CURLOPT_SSLCERT, tls.client_certificate.c_str());
  if (!tls.client_key.empty()) curl.easy_setopt(handle, CURLOPT_SSLKEY, tls.client_key.c_str());
  if (!tls.client_certificate_pem.empty()) set_blob(curl, handle, CURLOPT_SSLCERT_BLOB, tls.client_certificate_pem);
  if (!tls.client_key_pem.empty()) set_blob(curl, handle, CURLOPT_SSLKEY_BLOB, tls.client_key_pem);
}

Result<Asked> asked_for(const CurlLibrary* curl, const std::string& address, const Url& url,
                        const std::string& server_name) {
  Asked asked{address, CurlList(nullptr, CurlListFree{curl})};
  if (server_name.empty()) return asked;
  asked.address = TRY(with_host(address, server_name));
  TRY(append(asked.connect_to, "::" + url.host + ":" + url.port));
  return asked;
}

void set_address(const CurlLibrary& curl, CURL* handle, const Asked& asked) {
  curl.easy_setopt(handle, CURLOPT_URL, asked.address.c_str());
  if (asked.connect_to) curl.easy_setopt(handle, CURLOPT_CONNECT_TO, asked.connect_to.get());
}

}  // namespace consort::image
