// Jobs: registering them with the engine, and running them.
#pragma once

#include <functional>
#include <string>

#include "engine/jobs.hpp"
#include "project/exec/session.hpp"
#include "project/verbs/oneoff.hpp"
#include "project/verbs/up.hpp"

namespace consort::project {

// What starts jobs when their time comes.
struct JobProgram {
  std::string path;
  engine::Strings environment;
};

// That the schedules of all active jobs can be kept: before anything is made.
Result<> check_schedules(const Session& session);
// Of `up` and `create`: the active jobs that have a schedule. Their images are pulled or built first.
Result<> register_jobs(Session& session, const UpOptions& options, const JobProgram& program);
// Of `run`: this one.
Result<engine::Job> register_job(Session& session, const compose::Project& project, const std::string& job,
                                 const JobProgram& program);
// Of `down`: all of the project, with what they are doing. Their history stays.
Result<> remove_jobs(Session& session);

// The container of a run, created and not started. The session's project must be compose::project_of_job()'s.
Result<std::string> create_job_container(Session& session, const engine::Job& job, engine::JobTurn& turn,
                                         OneoffOptions options);
// Once the container has ended: keeps the end of what it has written, records how it ended, and removes it if that was
// well. Gives the exit status of `run`.
enum class Ended : std::uint8_t { by_itself, cancelled };
Result<int> finish_run(Session& session, engine::JobTurn& turn, Ended how);
// Of a run that never got a container, or none that could be started.
Result<> fail_run(Session& session, engine::JobTurn& turn, const Error& error);

// A whole run by the clock or in the background: until its end.
Result<int> run_job(Session& session, const engine::Job& job, engine::JobTurn& turn);

}  // namespace consort::project
