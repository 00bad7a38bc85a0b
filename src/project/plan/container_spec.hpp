// Converts a desired service to the engine's specification of one replica, with its name and labels. Reads no files
// except seccomp profiles.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "compose/model.hpp"
#include "engine/types.hpp"
#include "project/desired/desired.hpp"
#include "project/plan/names.hpp"

namespace consort::project {

struct ReplicaOptions {
  unsigned number = 1;
  std::string_view separator = name_separator;
  std::string image_id;                          // "sha256:...", if already known
  std::vector<std::string> env_files;            // --env-file, as given; stored in a label
  const compose::StringMap* provided = nullptr;  // borrowed; variables from the service's providers and models
};

// Code::invalid, with the position in the file, for what no engine could do (an unknown restart policy).
Result<engine::ContainerSpec> container_spec(const compose::Project& project, const compose::Service& service,
                                             const ReplicaOptions& options);

// The parts of it.
Result<std::vector<engine::MountSpec>> mount_specs(const compose::Project& project, const compose::Service& file,
                                                   const DesiredService& service);
// A message for the user if the container mounts the API's socket; "": it does not.
std::string told_api_socket(const engine::ContainerSpec& spec);
Result<std::vector<engine::FileContent>> file_contents(const DesiredService& service);
std::vector<engine::EndpointSpec> endpoint_specs(const DesiredService& service, const std::string& container);
engine::RestartPolicy restart_policy(const DesiredRestart& restart);
std::vector<engine::PortBinding> port_bindings(const std::vector<DesiredPort>& ports);
engine::HealthSpec health_spec(const compose::HealthCheck& check);
engine::Resources resources(const DesiredService& service);

}  // namespace consort::project
