#include "serve/api/routes.hpp"

#include <array>

namespace consort::serve {

std::span<const std::span<const Route>> all_routes() {
  static const std::array tables{
      system_routes(),
      swarm_routes(),
      plugin_routes(),
      container_list_routes(),
      container_inspect_routes(),
      container_create_routes(),
      container_lifecycle_routes(),
      container_stream_routes(),
      container_log_routes(),
      exec_routes(),
      event_routes(),
      image_routes(),
      container_file_routes(),
      container_figure_routes(),
      container_top_routes(),
      commit_routes(),
      container_update_routes(),
      network_routes(),
      volume_routes(),
      transfer_routes(),
      disk_routes(),
      build_prune_routes(),
      build_routes(),
      buildkit_routes(),
  };
  return tables;
}

}  // namespace consort::serve
