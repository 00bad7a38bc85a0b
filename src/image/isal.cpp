#include "image/internal/isal.hpp"

#include <dlfcn.h>

namespace consort::image {

namespace {

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

struct Loaded {
  IsalLibrary functions;
  std::string problem;
  Loaded() {
    void* library = ::dlopen("libisal.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      problem = ::dlerror();
      return;
    }
    const bool complete = find(library, "isal_inflate_init", functions.inflate_init) &&
                          find(library, "isal_inflate_reset", functions.inflate_reset) &&
                          find(library, "isal_inflate", functions.inflate) &&
                          find(library, "isal_deflate_init", functions.deflate_init) &&
                          find(library, "isal_deflate", functions.deflate);
    if (!complete) problem = "libisal.so.2 lacks a function";
  }
};

}  // namespace

Result<const IsalLibrary*> isal_library() {
  static const Loaded loaded;
  if (!loaded.problem.empty())
    return fail(Error(Code::unsupported, "load the gzip library").why(loaded.problem).hint("install libisal2"));
  return &loaded.functions;
}

}  // namespace consort::image
