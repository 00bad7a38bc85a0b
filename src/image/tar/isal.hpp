// ISA-L's inflate and deflate, loaded with the first compressed layer, since most commands never need them.
#pragma once

#include <isa-l/igzip_lib.h>

#include "base/error.hpp"

namespace consort::image {

struct IsalLibrary {
  decltype(&::isal_inflate_init) inflate_init = nullptr;
  decltype(&::isal_inflate_reset) inflate_reset = nullptr;
  decltype(&::isal_inflate) inflate = nullptr;
  decltype(&::isal_deflate_init) deflate_init = nullptr;
  decltype(&::isal_deflate) deflate = nullptr;
};

// Loaded once, never unloaded. Code::unsupported if the library is not installed.
Result<const IsalLibrary*> isal_library();

}  // namespace consort::image
