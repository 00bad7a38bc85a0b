// Interpolation of random text: it must end, and must not change text without `$`.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "compose/template.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace consort::compose;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string value = "value";
  const TemplateResult result =
      substitute(text, [&](std::string_view name) { return name.size() % 2 == 0 ? &value : nullptr; });
  if (text.find('$') == std::string::npos && result.text != text) std::abort();
  return 0;
}
