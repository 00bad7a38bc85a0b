// Registers jobs with the engine and runs them.
#pragma once

#include <functional>
#include <string>

#include "engine/jobs.hpp"
#include "project/exec/session.hpp"
#include "project/verbs/oneoff.hpp"
#include "project/verbs/up.hpp"

namespace consort::project {

// The program that starts scheduled jobs.
struct JobProgram {
  std::string path;
  engine::Strings environment;
};

// Checks that the schedules of all active jobs can be honoured, before anything is created.
Result<> check_schedules(const Session& session);
// For `up` and `create`: registers the active jobs with a schedule. Their images are pulled or built first.
Result<> register_jobs(Session& session, const UpOptions& options, const JobProgram& program);
// For `run`: registers this job.
Result<engine::Job> register_job(Session& session, const compose::Project& project, const std::string& job,
                                 const JobProgram& program);
// For `down`: removes all jobs of the project and stops their runs. Their history is kept.
Result<> remove_jobs(Session& session);

// The container of a run, created but not started. The session's project must be compose::project_of_job()'s.
Result<std::string> create_job_container(Session& session, const engine::Job& job, engine::JobTurn& turn,
                                         OneoffOptions options);
// Call it once the container has ended: keeps the last of its output, records how it ended, and removes it if it
// succeeded. Returns the exit status of `run`.
enum class Ended : std::uint8_t { by_itself, cancelled };
Result<int> finish_run(Session& session, engine::JobTurn& turn, Ended how);
// For a run without a container, or with one that could not be started.
Result<> fail_run(Session& session, engine::JobTurn& turn, const Error& error);

// A complete run, scheduled or in the background, until its end.
Result<int> run_job(Session& session, const engine::Job& job, engine::JobTurn& turn);

}  // namespace consort::project
