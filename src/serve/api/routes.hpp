// The tables of routes, one function per file of endpoints.
#pragma once

#include "serve/api/router.hpp"

namespace consort::serve {

std::span<const Route> system_routes();               // system.cpp
std::span<const Route> container_list_routes();       // containers_list.cpp
std::span<const Route> container_inspect_routes();    // containers_inspect.cpp
std::span<const Route> container_create_routes();     // containers_create.cpp
std::span<const Route> container_lifecycle_routes();  // containers_lifecycle.cpp
std::span<const Route> container_stream_routes();     // containers_attach.cpp
std::span<const Route> container_log_routes();        // containers_logs.cpp
std::span<const Route> event_routes();                // events.cpp
std::span<const Route> image_routes();                // images.cpp
std::span<const Route> container_file_routes();       // containers_files.cpp
std::span<const Route> container_figure_routes();     // containers_figures.cpp
std::span<const Route> container_top_routes();        // containers_top.cpp
std::span<const Route> plugin_routes();               // plugins.cpp
std::span<const Route> swarm_routes();                // swarm.cpp
std::span<const Route> commit_routes();               // commit.cpp
std::span<const Route> container_update_routes();     // containers_update.cpp
std::span<const Route> exec_routes();                 // exec.cpp
std::span<const Route> network_routes();              // networks.cpp
std::span<const Route> volume_routes();               // volumes.cpp
std::span<const Route> transfer_routes();             // transfer.cpp
std::span<const Route> disk_routes();                 // disk.cpp
std::span<const Route> build_prune_routes();          // images/build_prune.cpp
std::span<const Route> build_routes();                // build.cpp
std::span<const Route> buildkit_routes();             // buildkit.cpp

}  // namespace consort::serve
