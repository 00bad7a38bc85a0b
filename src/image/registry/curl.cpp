#include "image/registry/curl.hpp"

#include "base/os/shared_library.hpp"

namespace consort::image {

namespace {

Result<CurlLibrary> load() {
  SharedLibrary library = TRY(SharedLibrary::load({"libcurl.so.4", "libcurl-gnutls.so.4"}));
  CurlLibrary functions;
  library.find("curl_global_init", functions.global_init);
  library.find("curl_easy_init", functions.easy_init);
  library.find("curl_easy_reset", functions.easy_reset);
  library.find("curl_easy_cleanup", functions.easy_cleanup);
  library.find("curl_easy_setopt", functions.easy_setopt);
  library.find("curl_easy_getinfo", functions.easy_getinfo);
  library.find("curl_easy_perform", functions.easy_perform);
  library.find("curl_easy_strerror", functions.easy_strerror);
  library.find("curl_slist_append", functions.slist_append);
  library.find("curl_slist_free_all", functions.slist_free_all);
  TRY(library.complete());
  if (functions.global_init(CURL_GLOBAL_ALL) != CURLE_OK) return fail(Code::unsupported, "start libcurl");
  return functions;
}

}  // namespace

Result<const CurlLibrary*> curl_library() {
  static const Result<CurlLibrary> loaded = load();
  if (!loaded)
    return fail(
        Error(Code::unsupported, "load the HTTP library").why(loaded.error().message()).hint("install libcurl4"));
  return &*loaded;
}

}  // namespace consort::image
