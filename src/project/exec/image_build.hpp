// Building a service's image.
#pragma once

#include <set>
#include <string>

#include "build/build.hpp"
#include "compose/model.hpp"
#include "project/exec/cancellation.hpp"
#include "project/exec/session.hpp"

namespace consort::project {

// Pure: what build/ is asked for.
build::BuildRequest build_request(const compose::Project& project, const compose::Service& service,
                                  const RunDetail& detail);

class BuildLog;

// Builds of one command share the log.
Result<> build_image(Session& session, const compose::Service& service, const RunDetail& detail,
                     const Cancellation& cancel, BuildLog& log);

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
