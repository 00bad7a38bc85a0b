#include "image/tar/isal.hpp"

#include "base/os/processes/shared_library.hpp"

namespace consort::image {

namespace {

Result<IsalLibrary> load() {
  SharedLibrary library = TRY(SharedLibrary::load({"libisal.so.2"}));
  IsalLibrary functions;
  library.find("isal_inflate_init", functions.inflate_init);
  library.find("isal_inflate_reset", functions.inflate_reset);
  library.find("isal_inflate", functions.inflate);
  library.find("isal_deflate_init", functions.deflate_init);
  library.find("isal_deflate", functions.deflate);
  TRY(library.complete());
  return functions;
}

}  // namespace

Result<const IsalLibrary*> isal_library() {
  static const Result<IsalLibrary> loaded = load();
  if (!loaded)
    return fail(
        Error(Code::unsupported, "load the gzip library").why(loaded.error().message()).hint("install libisal2"));
  return &*loaded;
}

}  // namespace consort::image
