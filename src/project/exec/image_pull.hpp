// Pulls and pushes the image of a service, with its layers as progress. platform: "" means this machine's for a pull,
// and all available ones for a push.
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

// The options as configured on this machine; reports problems with that configuration. The session is borrowed.
image::RegistryOptions registry_options(Session& session);

// Converts an event to Docker's text for a layer. `parent`: the service or image.
ProgressEvent layer_event(const image::ProgressEvent& event, const std::string& parent);

}  // namespace consort::project
