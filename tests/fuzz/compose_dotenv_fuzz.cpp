// Env files of random bytes, in both grammars.
#include <cstddef>
#include <cstdint>
#include <string>

#include "compose/dotenv.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace consort::compose;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string value = "value";
  const Lookup lookup = [&](std::string_view name) { return name == "A" ? &value : nullptr; };
  parse_dotenv(text, lookup);
  parse_raw_env(text, lookup);
  return 0;
}
