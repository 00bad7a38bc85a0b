#include "image/http/url.hpp"

#include <memory>

#include "base/strings.hpp"
#include "image/http/curl.hpp"

namespace consort::image {

namespace {

struct UrlFree {
  const CurlLibrary* curl = nullptr;
  void operator()(CURLU* url) const { curl->url_cleanup(url); }
};
using UrlHandle = std::unique_ptr<CURLU, UrlFree>;

Error bad(const std::string& text) {
  return Error(Code::invalid, "read address").on(text.substr(0, std::min<std::size_t>(text.find('?'), 300)));
}

Result<UrlHandle> open_url(const CurlLibrary* curl, const std::string& text) {
  UrlHandle handle(curl->url(), UrlFree{curl});
  if (!handle) return fail(Code::internal, "read address");
  if (curl->url_set(handle.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return fail(bad(text));
  return handle;
}

std::string part(const UrlHandle& handle, CURLUPart which, unsigned flags = 0) {
  const CurlLibrary* curl = handle.get_deleter().curl;
  char* text = nullptr;
  if (curl->url_get(handle.get(), which, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl->free(text);
  return copy;
}

}  // namespace

Result<Url> Url::parse(const std::string& text) {
  const UrlHandle handle = TRY(open_url(TRY(curl_library()), text));
  Url url{to_lower(part(handle, CURLUPART_SCHEME)),
          to_lower(part(handle, CURLUPART_HOST)),
          part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT),
          {}};
  if (url.host.empty()) return fail(bad(text));
  url.shown = url.scheme + "://" + url.place() + part(handle, CURLUPART_PATH);
  return url;
}

std::string Url::place() const {
  const bool usual = port == (scheme == "https" ? "443" : "80");
  return usual ? host : host + ":" + port;
}

Result<std::string> resolve_url(const std::string& base, const std::string& location) {
  const CurlLibrary* curl = TRY(curl_library());
  const UrlHandle handle = TRY(open_url(curl, base));
  if (location.empty() || curl->url_set(handle.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK)
    return fail(bad(location));
  return part(handle, CURLUPART_URL);
}

Result<std::string> with_host(const std::string& address, const std::string& host) {
  const CurlLibrary* curl = TRY(curl_library());
  const UrlHandle handle = TRY(open_url(curl, address));
  if (curl->url_set(handle.get(), CURLUPART_HOST, host.c_str(), 0) != CURLUE_OK) return fail(bad(host));
  return part(handle, CURLUPART_URL);
}

}  // namespace consort::image
