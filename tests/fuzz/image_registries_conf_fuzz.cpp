// containers-registries.conf(5): any text gives rules or an error, and rules give at least one place.
#include <cstdint>
#include <cstdlib>

#include "image/registry/registries_conf.hpp"

using namespace consort;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  image::RegistriesConf conf;
  if (!conf.add(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz")) return 0;
  for (const char* name : {"postgres:15", "quay.io/a/b:1", "localhost:5000/x"}) {
    const auto reference = image::Reference::parse(name);
    const auto places = conf.locations(*reference);
    if (places && places->empty()) std::abort();
    (void)conf.origin(*reference);
    (void)conf.is_insecure(reference->registry);
  }
  return 0;
}
