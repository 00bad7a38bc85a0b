#include "serve/api/routes.hpp"

#include <array>

namespace consort::serve {

std::span<const std::span<const Route>> all_routes() {
  static const std::array tables{
      system_routes(),   network_routes(),        volume_routes(),
      transfer_routes(), container_list_routes(), container_inspect_routes(),
  };
  return tables;
}

}  // namespace consort::serve
