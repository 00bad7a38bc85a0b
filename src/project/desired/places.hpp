// Where in the user's files that is said which an error is about.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "compose/model.hpp"

namespace consort::project {

// Of a setting of the service as Subject::setting names it: "restart", "ulimits/nofile". What it also may be written as
// counts (`deploy`); what the files do not have, such as an image's own, is at the service's name.
Mark locate_setting(const compose::Project& project, const compose::Service& service, std::string_view setting);

// Of what an error of the engine about a container of the service is about; at the service's name, if nothing is known.
Mark locate_cause(const compose::Project& project, const compose::Service& service, const Error& error);

// The same of a network and of a volume of the project, by the name that the engine knows it by. Line 0: none of ours.
Mark locate_network(const compose::Project& project, std::string_view name, const Error& error);
Mark locate_volume(const compose::Project& project, std::string_view name, const Error& error);

}  // namespace consort::project
