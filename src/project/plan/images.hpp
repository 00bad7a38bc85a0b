// Plans the images to pull or build before the containers of a project can be created. Pure.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/error.hpp"
#include "base/time.hpp"
#include "compose/model.hpp"
#include "project/plan/plan.hpp"

namespace consort::project {

enum class BuildWish : std::uint8_t { as_needed, always, never };  // --build, --no-build

struct LocalImage {
  std::string id;
  SystemTime last_tagged{};
};

struct ImageOptions {
  std::string pull;  // --pull: always, missing, never, build; "" or "policy": as the services specify
  BuildWish build = BuildWish::as_needed;
  SystemTime now{};
  std::set<std::string> named;  // --build applies to these only; empty: all
};

// local: the images on this machine, by their name in the file.
Result<Plan> plan_images(const compose::Project& project, const std::map<std::string, LocalImage>& local,
                         const ImageOptions& options);

// `pull`: all images, each once, except those excluded by --policy and the services' own policies.
struct PullOptions {
  std::string policy;  // "", missing, always
  bool ignore_buildable = false;
  bool ignore_failures = false;
  SystemTime now{};
};
Result<Plan> plan_pull(const compose::Project& project, const std::map<std::string, LocalImage>& local,
                       const PullOptions& options);

// `build`: every service with a build section; those used as contexts by others come first.
Plan plan_build(const compose::Project& project);

// DOCKER_BUILDKIT=0: there is no classic builder, but its order is kept, with errors for what it could not do.
bool wants_classic_builder(const compose::Project& project);

Operation pull_operation(const compose::Service& service, const std::string& image, std::string cause);
Operation build_operation(const compose::Service& service, const std::string& image, std::string cause,
                          BuildImage how = {});

}  // namespace consort::project
