// Finds the position in the user's files that an error is about.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "compose/model.hpp"

namespace consort::project {

// The position of a service's setting, named as in Subject::setting: "restart", "ulimits/nofile". Alternative notations
// count (`deploy`). A setting that is not in the files, such as one from the image, is at the service's name.
Mark locate_setting(const compose::Project& project, const compose::Service& service, std::string_view setting);

// The position for an engine error about a container of the service; the service's name if nothing is known.
Mark locate_cause(const compose::Project& project, const compose::Service& service, const Error& error);

// The same for a network or volume of the project, given by the engine's name. Line 0: not the project's.
Mark locate_network(const compose::Project& project, std::string_view name, const Error& error);
Mark locate_volume(const compose::Project& project, std::string_view name, const Error& error);

}  // namespace consort::project
