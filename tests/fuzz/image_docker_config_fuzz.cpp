// Docker's config.json and the base64 in it.
#include <cstdint>
#include <cstdlib>

#include "base/base64.hpp"
#include "image/http/http.hpp"
#include "image/registry/credentials.hpp"

using namespace consort;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* registry : {"docker.io", "quay.io", "localhost:5000"})
    (void)image::stored_credential(text, registry, "fuzz");
  if (base64_decode(base64_encode(text)) != std::string(text)) std::abort();
  (void)base64_decode(text);
  return 0;
}
