// Jobs: containers that run to their end, by hand or by the clock.
#pragma once

#include <optional>
#include <string>

#include "compose/compose.hpp"

namespace consort::compose {

// That the job's schedule can be kept: one, which is understood, in a zone that this machine knows.
Result<> check_schedule(const Project& project, const Service& job);

// Why a command that wants a service refuses `name`, if it is a job (of any profile) and no service.
std::optional<Error> is_job_only(const Project& project, const std::string& name);

enum class StartedBy : std::uint8_t { hand, clock };
// The job, and the services and jobs that it depends on, as the services of a project. Not found, or not to be started
// so: an error. Neither it nor its dependencies have to be active.
Result<Project> project_of_job(const Project& project, const std::string& job, StartedBy by);

// All that a run of the job takes, as a text that needs no file of the user's and none of the environment: what was
// registered is what is run, whatever becomes of the files. It may hold secrets.
Result<std::string> job_model(const Project& project, const std::string& job);
Result<Project> load_job_model(const std::string& text);

}  // namespace consort::compose
