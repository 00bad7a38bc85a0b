// The list of jobs.
#include "engine/jobs.hpp"

#include <fcntl.h>

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "engine/jobs/records.hpp"
#include "supervisor/client.hpp"
#include "supervisor/jobs.hpp"

namespace consort::engine {

namespace {

constexpr std::size_t largest_file = 64 << 20;

Result<Job> read_job(const std::string& path) {
  return job_from_json(TRY(read_file(path, largest_file)));
}

Result<> write_job(const std::string& directory, const Job& job) {
  TRY(make_directories(directory + "/runs", 0700));
  return write_file_atomic(directory + "/job.json", job_to_json(job), 0600, Durability::durable);
}

// Held while a job is read and written, so that `up`, `job pause` and `job rm` at the same moment lose nothing of each
// other.
Result<Fd> lock_jobs(const Roots& roots, const std::string& project) {
  const std::string directory = supervisor::jobs_directory(roots, project);
  TRY(make_directories(directory, 0700));
  Fd fd = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  TRY(lock_exclusive(fd.get(), directory));
  return fd;
}

Error no_such_job(const std::string& text) {
  return Error(Code::not_found, "no such job: " + text);
}

bool same_spec(const JobSpec& a, const JobSpec& b) {
  return a.hash == b.hash && a.cron == b.cron && a.timezone == b.timezone && a.queue == b.queue &&
         a.skip_missed == b.skip_missed;
}

}  // namespace

std::string Jobs::directory(const Job& job) const {
  return supervisor::job_directory(engine_->roots(), job.spec.project, job.spec.name);
}

Result<Jobs::Put> Jobs::put(const JobSpec& spec) {
  Fd lock = TRY(lock_jobs(engine_->roots(), spec.project));
  const auto known = TRY(look_up(spec.project, spec.name));
  Put put = known ? Put::replaced : Put::made;
  Job job;
  job.spec = spec;
  if (known) {
    job.id = known->id;
    job.created = known->created;
    job.paused = known->paused;
    if (same_spec(known->spec, spec)) put = Put::unchanged;
    if (put == Put::unchanged && known->spec.model == spec.model && known->spec.program == spec.program) return put;
  } else {
    job.id = random_id();
    job.created = system_now();
  }
  TRY_WRAP(write_job(directory(job), job), "write job", job.full_name());
  lock.reset();
  TRY(supervisor::Client(engine_->roots(), spec.project).reload_clock());
  return put;
}

Result<std::vector<Job>> Jobs::list(const std::string& project) const {
  const std::string all_projects = engine_->roots().data + "/jobs";
  Strings projects{project};
  if (project.empty()) projects = list_directory(all_projects).value_or(Strings());
  std::vector<Job> jobs;
  for (const std::string& name : projects) {
    const auto due = supervisor::read_due_times(engine_->roots(), name);
    const std::string directory = supervisor::jobs_directory(engine_->roots(), name);
    for (const std::string& each : list_directory(directory).value_or(Strings())) {
      auto job = read_job(directory + "/" + each + "/job.json");
      if (!job) continue;
      if (const auto found = due.find(job->spec.name); found != due.end() && !job->paused)
        job->next_fire = found->second.at;
      jobs.push_back(std::move(*job));
    }
  }
  std::ranges::sort(jobs, {}, &Job::full_name);
  return jobs;
}

Result<Job> Jobs::find(const std::string& text) const {
  std::vector<Job> jobs = TRY(list());
  std::vector<Job> near;
  for (Job& job : jobs) {
    if (job.full_name() == text || job.id == text) return std::move(job);
    if (job.spec.name == text || (!text.empty() && job.id.starts_with(text))) near.push_back(std::move(job));
  }
  if (near.size() == 1) return std::move(near[0]);
  if (near.empty()) return fail(no_such_job(text));
  return fail(
      Error(Code::conflict, "several jobs are called " + text).hint("also name its project: " + near[0].full_name()));
}

Result<std::optional<Job>> Jobs::look_up(const std::string& project, const std::string& name) const {
  auto job = read_job(supervisor::job_directory(engine_->roots(), project, name) + "/job.json");
  if (!job && job.error().code() == Code::not_found) return std::nullopt;
  if (!job) return fail(std::move(job.error()).wrap("read job", project + "." + name));
  return std::optional(std::move(*job));
}

Result<> Jobs::set_paused(const Job& job, bool paused) {
  {
    const Fd lock = TRY(lock_jobs(engine_->roots(), job.spec.project));
    // As it is now: `up` may have changed it since the caller read it.
    auto current = TRY(look_up(job.spec.project, job.spec.name));
    if (!current || current->id != job.id) return fail(no_such_job(job.full_name()));
    if (current->paused == paused || current->spec.cron.empty()) return {};
    current->paused = paused;
    TRY(write_job(directory(job), *current));
  }
  return supervisor::Client(engine_->roots(), job.spec.project).reload_clock();
}

Result<> Jobs::remove(const Job& job, KeepRuns keep) {
  const std::string where = directory(job);
  {
    const Fd lock = TRY(lock_jobs(engine_->roots(), job.spec.project));
    TRY(remove_file(where + "/job.json"));  // from here on it is gone, and its name free
  }
  TRY(supervisor::Client(engine_->roots(), job.spec.project).reload_clock());
  TRY(cancel(job));
  if (keep != KeepRuns::keep) TRY(remove_tree(where));
  return {};
}

Result<std::string> Jobs::fire(const Job& job, bool reschedule) {
  if (reschedule && job.spec.cron.empty())
    return fail(Error(Code::conflict, "job " + job.full_name() + " has no schedule")
                    .hint("leave out --reschedule to run it once"));
  const auto all = TRY(runs(job));
  if (!all.empty() && !is_final(all[0].state))
    return fail(Error(Code::busy, "job " + job.full_name() + " is already running"));
  std::string id = random_id();
  TRY(supervisor::Client(engine_->roots(), job.spec.project).fire_job(job.spec.name, id, reschedule));
  return id;
}

}  // namespace consort::engine
