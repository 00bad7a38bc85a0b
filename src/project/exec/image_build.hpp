// Building a service's image.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "compose/model.hpp"
#include "engine/builds.hpp"
#include "project/exec/cancellation.hpp"
#include "project/exec/session.hpp"

namespace consort::project {

// Pure: what build/ is asked for.
build::BuildRequest build_request(const compose::Project& project, const compose::Service& service,
                                  const RunDetail& detail);

// Services whose images are the same files under other names and labels: one build makes them all.
using BuildGroup = std::vector<const compose::Service*>;
// Pure. In the order of the services, which must have a build section; they point into the project.
std::vector<BuildGroup> group_builds(const compose::Project& project, const compose::Strings& services,
                                     const RunDetail& detail);

class BuildLog;

// Builds of one command share the log.
Result<> build_images(Session& session, const BuildGroup& services, const RunDetail& detail, const Cancellation& cancel,
                      BuildLog& log);

// `build --check`: what the build checks say, ready to be printed.
struct CheckedImage {
  std::string report;
  bool clean = true;
};
Result<CheckedImage> check_image(Session& session, const compose::Service& service, const RunDetail& detail);

// Says of every image that was built here and is older than its sources that it is, and why. Services of `built` are
// left out. What cannot be told is not said.
void warn_of_outdated_images(Session& session, const RunDetail& detail, const std::set<std::string>& built);

}  // namespace consort::project
