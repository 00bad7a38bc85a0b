#include "image/internal/curl.hpp"

#include <dlfcn.h>

namespace consort::image {

namespace {

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

struct Loaded {
  CurlLibrary functions;
  std::string problem;

  Loaded() {
    void* library = nullptr;
    for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"})
      if (!library) library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      problem = ::dlerror();
      return;
    }
    const bool complete = find(library, "curl_global_init", functions.global_init) &&
                          find(library, "curl_easy_init", functions.easy_init) &&
                          find(library, "curl_easy_reset", functions.easy_reset) &&
                          find(library, "curl_easy_cleanup", functions.easy_cleanup) &&
                          find(library, "curl_easy_setopt", functions.easy_setopt) &&
                          find(library, "curl_easy_getinfo", functions.easy_getinfo) &&
                          find(library, "curl_easy_perform", functions.easy_perform) &&
                          find(library, "curl_easy_strerror", functions.easy_strerror) &&
                          find(library, "curl_slist_append", functions.slist_append) &&
                          find(library, "curl_slist_free_all", functions.slist_free_all);
    if (!complete)
      problem = "libcurl lacks a function";
    else if (functions.global_init(CURL_GLOBAL_ALL) != CURLE_OK)
      problem = "libcurl does not start";
  }
};

}  // namespace

Result<const CurlLibrary*> curl_library() {
  static const Loaded loaded;
  if (!loaded.problem.empty())
    return fail(Error(Code::unsupported, "load the HTTP library").why(loaded.problem).hint("install libcurl4"));
  return &loaded.functions;
}

}  // namespace consort::image
