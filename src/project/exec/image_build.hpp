// Builds the images of services.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "compose/model.hpp"
#include "engine/builds.hpp"
#include "project/exec/cancellation.hpp"
#include "project/exec/session.hpp"

namespace consort::project {

// Converts a service's build section to a request for build/. Pure.
build::BuildRequest build_request(const compose::Project& project, const compose::Service& service,
                                  const RunDetail& detail);

// Services whose images differ only in name and labels: one build makes them all.
using BuildGroup = std::vector<const compose::Service*>;
// Pure. In the order of the services, which must have a build section; the groups point into the project.
std::vector<BuildGroup> group_builds(const compose::Project& project, const compose::Strings& services,
                                     const RunDetail& detail);

class BuildLog;

// The builds of one command share the log.
Result<> build_images(Session& session, const BuildGroup& services, const RunDetail& detail, const Cancellation& cancel,
                      BuildLog& log);

// The result of `build --check`, ready to be printed.
struct CheckedImage {
  std::string report;
  bool clean = true;
};
Result<CheckedImage> check_image(Session& session, const compose::Service& service, const RunDetail& detail);

// Warns of each image that was built here and is older than its sources, with the reason. Skips services in `built` and
// images whose age relative to their sources is unknown.
void warn_of_outdated_images(Session& session, const RunDetail& detail, const std::set<std::string>& built);

}  // namespace consort::project
