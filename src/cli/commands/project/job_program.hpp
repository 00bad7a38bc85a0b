// The program that a project's supervisor starts when a job is due: this one, with the environment variables it needs.
#pragma once

#include "project/verbs/jobs.hpp"

namespace consort::cli {

project::JobProgram job_program();

}  // namespace consort::cli
