// Compact projects and snapshots for planner tests.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <string>

#include "compose/compose.hpp"
#include "project/plan/container_spec.hpp"
#include "project/plan/converge.hpp"

namespace consort::project::test {

// The project "app" with this text; the test fails if it does not load.
inline compose::Project project_of(const std::string& yaml) {
  compose::LoadOptions options;
  options.files = {"/app/compose.yaml"};
  options.working_directory = "/app";
  options.project_name = "app";
  options.access.read = [yaml](const std::string& path) -> Result<std::string> {
    if (path == "/app/compose.yaml") return yaml;
    return fail_errno(ENOENT, "open", path);
  };
  options.access.is_file = options.access.exists = [](const std::string& path) { return path == "/app/compose.yaml"; };
  options.access.resolve_links = [](const std::string& path) { return path; };
  compose::LoadOutcome outcome = compose::load(options);
  EXPECT_TRUE(outcome.project) << compose::render_diagnostics(outcome.diagnostics, compose::Colour::never);
  return outcome.project.value_or(compose::Project{});
}

// The state that `up` would have created for the project.
class Scene {
 public:
  explicit Scene(const compose::Project& project) : project_(project) {
    for (const auto& [key, network] : project.networks) {
      engine::Network made{.id = "net-" + key, .spec = network_spec(project, key)};
      observed.networks.push_back(made);
    }
    for (const auto& [key, volume] : project.volumes)
      observed.volumes.push_back({.spec = volume_spec(project, key), .mountpoint = "/v/" + key});
    for (const auto& [key, service] : project.services) observed.images[image_key(project, service)] = "sha256:1";
  }

  engine::Container& run(const std::string& service, unsigned number = 1,
                         engine::Status status = engine::Status::running) {
    const compose::Service& from = project_.services.at(service);
    const auto spec = container_spec(project_, from, {.number = number, .image_id = "sha256:1"});
    EXPECT_TRUE(spec);
    engine::Container container;
    container.id = std::string(10, 'a') + service + std::to_string(number) + std::string(40, '0');
    container.name = spec->name;
    container.project = project_.name;
    container.service = service;
    container.number = number;
    container.image = spec->image;
    container.image_id = "sha256:1";
    container.labels = spec->labels;
    container.state.status = status;
    for (const engine::EndpointSpec& endpoint : spec->networks)
      container.networks.push_back({.network = endpoint.network, .network_id = observed.network(endpoint.network)->id});
    for (const engine::MountSpec& mount : spec->mounts)
      container.mounts.push_back({.type = mount.type,
                                  .name = mount.source,
                                  .source = mount.source,
                                  .target = mount.target,
                                  .anonymous = mount.source.empty()});
    observed.containers.push_back(std::move(container));
    return observed.containers.back();
  }

  Observed observed;

 private:
  const compose::Project& project_;
};

inline std::string plan_text(const compose::Project& project, const Observed& observed,
                             const ConvergeOptions& options = {}) {
  const auto plan = plan_converge(project, observed, options);
  return plan ? plan->to_string() : "error: " + plan.error().message() + "\n";
}

}  // namespace consort::project::test
