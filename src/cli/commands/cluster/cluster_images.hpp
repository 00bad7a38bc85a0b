// The images of a project for a cluster: builds and pushes them, and determines their names in the registry.
#pragma once

#include <map>
#include <string>

#include "cli/workspace.hpp"

namespace consort::cli {

// Sets the names under which images are built, pushed and pulled. Code::invalid if a built image has no registry.
Result<> name_images(compose::Project& project, const std::string& registry);
bool builds_images(const compose::Project& project);

enum class Build : std::uint8_t { yes, no };  // no: the registry already has them
// The images that the cluster should pull, by service: name and digest of those that are built here.
Result<std::map<std::string, std::string>> images_for_cluster(Workspace& workspace, Build build);

// Whether the pods of this file wait for their dependencies; depends on the whole file, regardless of selected
// services.
bool pods_wait(const compose::Project& project);
// The image of consort-wait, pushed unless the registry already has it. "" if nothing may be pushed, there is no
// registry, or in a dry run.
Result<std::string> wait_image_for_cluster(Workspace& workspace, const std::string& registry);

}  // namespace consort::cli
