// A registry's answers other than manifests: headers and refusals. Also Docker's daemon.json.
#include <cstdint>

#include "image/http/address.hpp"
#include "image/http/challenge.hpp"
#include "image/registry/refusal.hpp"
#include "image/registry/registries_conf.hpp"

using namespace consort;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)image::parse_challenges(text);
  (void)image::next_link(text);
  image::HttpResponse response;
  response.status = 404;
  response.body = text;
  (void)image::refusal_of(response);
  image::RegistriesConf conf;
  (void)conf.add_docker_daemon(text, "fuzz");
  (void)conf.is_insecure(text);
  if (const auto network = image::Network::parse(text)) (void)network->contains(text);
  return 0;
}
