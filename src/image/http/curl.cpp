#include "image/http/curl.hpp"

#include "base/os/processes/shared_library.hpp"

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
  library.find("curl_easy_send", functions.easy_send);
  library.find("curl_easy_recv", functions.easy_recv);
  library.find("curl_easy_strerror", functions.easy_strerror);
  library.find("curl_multi_init", functions.multi_init);
  library.find("curl_multi_cleanup", functions.multi_cleanup);
  library.find("curl_multi_add_handle", functions.multi_add_handle);
  library.find("curl_multi_remove_handle", functions.multi_remove_handle);
  library.find("curl_multi_perform", functions.multi_perform);
  library.find("curl_multi_poll", functions.multi_poll);
  library.find("curl_multi_wakeup", functions.multi_wakeup);
  library.find("curl_multi_info_read", functions.multi_info_read);
  library.find("curl_slist_append", functions.slist_append);
  library.find("curl_slist_free_all", functions.slist_free_all);
  library.find("curl_url", functions.url);
  library.find("curl_url_cleanup", functions.url_cleanup);
  library.find("curl_url_set", functions.url_set);
  library.find("curl_url_get", functions.url_get);
  library.find("curl_free", functions.free);
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

Result<> append(CurlList& list, const std::string& text) {
  curl_slist* longer = list.get_deleter().curl->slist_append(list.get(), text.c_str());
  if (!longer) return fail(Code::internal, "prepare request");
  (void)list.release();
  list.reset(longer);
  return {};
}

}  // namespace consort::image
