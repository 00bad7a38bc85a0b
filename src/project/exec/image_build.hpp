// Building a service's image.
#pragma once

#include "build/build.hpp"
#include "compose/model.hpp"
#include "project/exec/cancellation.hpp"
#include "project/exec/session.hpp"

namespace consort::project {

// Pure: what build/ is asked for.
build::BuildRequest build_request(const compose::Project& project, const compose::Service& service,
                                  const RunDetail& detail);

Result<> build_image(Session& session, const compose::Service& service, const RunDetail& detail,
                     const Cancellation& cancel);

}  // namespace consort::project
