// Jobs: containers that run to completion, started manually or by a schedule.
#pragma once

#include <optional>
#include <string>

#include "compose/compose.hpp"

namespace consort::compose {

// Checks that the job has at most one schedule, that it is valid, and that this machine knows its time zone.
Result<> check_schedule(const Project& project, const Service& job);

// Why a command that wants a service refuses `name`, if it is a job (of any profile) and no service.
std::optional<Error> is_job_only(const Project& project, const std::string& name);

enum class StartedBy : std::uint8_t { hand, clock };
// The job, and the services and jobs it depends on, as the services of a project. An error if there is no such job, or
// if it must not be started this way. Neither the job nor its dependencies need to be active.
Result<Project> project_of_job(const Project& project, const std::string& job, StartedBy by);

// Everything needed to run the job, as a text that depends on neither the user's files nor the environment: later runs
// use what was registered, even if the files have changed. It may contain secrets.
Result<std::string> job_model(const Project& project, const std::string& job);
Result<Project> load_job_model(const std::string& text);

}  // namespace consort::compose
