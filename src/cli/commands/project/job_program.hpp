// What a project's supervisor starts when a job is due: this program, with what it needs of this environment.
#pragma once

#include "project/verbs/jobs.hpp"

namespace consort::cli {

project::JobProgram job_program();

}  // namespace consort::cli
