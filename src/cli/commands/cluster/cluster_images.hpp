// The images of a project for a cluster: built here, pushed, and what they are called there.
#pragma once

#include <map>
#include <string>

#include "cli/workspace.hpp"

namespace consort::cli {

// Names under which images are built, pushed and pulled. Code::invalid if a built one has no registry.
Result<> name_images(compose::Project& project, const std::string& registry);
bool builds_images(const compose::Project& project);

enum class Build : std::uint8_t { yes, no };  // no: the registry has them
// What the cluster is to pull, by service: name and digest of what is built here.
Result<std::map<std::string, std::string>> images_for_cluster(Workspace& workspace, Build build);

// Whether pods of this file are to wait for what they depend on: the whole file says so, whatever is chosen of it.
bool pods_wait(const compose::Project& project);
// The image of consort-wait, pushed unless the registry has it. "" where nothing may be pushed, without a registry or
// in a dry run.
Result<std::string> wait_image_for_cluster(Workspace& workspace, const std::string& registry);

}  // namespace consort::cli
