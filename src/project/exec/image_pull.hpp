// Pulling and pushing an image for a service, with its layers as progress. platform: "" is this machine's when pulling,
// and all that there are when pushing.
#pragma once

#include <string>

#include "engine/images.hpp"
#include "project/exec/cancellation.hpp"
#include "project/exec/session.hpp"

namespace consort::project {

Result<> pull_image(Session& session, const std::string& service, const std::string& reference,
                    const std::string& platform, Detail detail, const Cancellation& cancel);
Result<> push_image(Session& session, const std::string& service, const std::string& reference,
                    const std::string& platform, Detail detail, const Cancellation& cancel);

// As this machine is configured; what is odd about that is told. The session is borrowed.
image::RegistryOptions registry_options(Session& session);

// Docker's words for what happens to a layer. `parent`: the service or image.
ProgressEvent layer_event(const image::ProgressEvent& event, const std::string& parent);

}  // namespace consort::project
