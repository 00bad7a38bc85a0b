// Serializes jobs and their runs as JSON.
#pragma once

#include <string>
#include <string_view>

#include "engine/jobs.hpp"

namespace consort::engine {

std::string job_to_json(const Job& job);
Result<Job> job_from_json(std::string_view text);
std::string run_to_json(const JobRun& run);
Result<JobRun> run_from_json(std::string_view text);

}  // namespace consort::engine
