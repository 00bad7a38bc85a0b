// Options of `run`, from its flags.
#pragma once

#include "cli/workspace.hpp"
#include "project/verbs/oneoff.hpp"

namespace consort::cli {

Result<project::OneoffOptions> oneoff_options(const Invocation& invocation, Workspace& workspace);
// `run` of a job.
bool names_job(const Workspace& workspace, const std::string& name);
Result<int> run_job_by_hand(const Invocation& invocation, Workspace& workspace);

}  // namespace consort::cli
