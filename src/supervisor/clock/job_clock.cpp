#include "supervisor/clock/job_clock.hpp"

#include <algorithm>

#include "supervisor/loop/context.hpp"

namespace consort::supervisor {

namespace {

// A job later than this is missed, not just late: replacing a supervisor takes seconds.
constexpr Seconds lateness = 60;
// If the clock is set back by more than this, it was wrong before. If by less, that time passes twice and jobs run
// once.
constexpr Seconds set_right = 3 * 3600;

}  // namespace

void JobClock::arm(Armed& job, Seconds after) {
  job.armed_at = after;
  job.due = job.cron && !job.timing.paused ? job.cron->next(after, job.zone) : std::nullopt;
}

void JobClock::set(std::vector<JobTiming> jobs, const DueTimes& kept, Seconds now) {
  jobs_.clear();
  for (JobTiming& timing : jobs) {
    Armed job;
    job.timing = std::move(timing);
    const std::string& name = job.timing.name;
    if (!job.timing.cron.empty()) {
      auto cron = Cron::parse(job.timing.cron);
      auto zone = TimeZone::load(job.timing.timezone);
      if (cron && zone) {
        job.cron = *cron;
        job.zone = std::move(*zone);
      } else {
        log_line("job " + name + ": " + (cron ? zone.error() : cron.error()).message());
      }
    }
    arm(job, now);
    const auto found = kept.find(name);
    // A job that was due is still due, and a skipped one stays skipped (unless the clock was simply wrong).
    if (job.due && job.cron && found != kept.end() && found->second.cron == job.timing.cron &&
        found->second.timezone == job.timing.timezone && found->second.at <= job.cron->next(*job.due, job.zone))
      job.due = found->second.at;
    jobs_.push_back(std::move(job));
  }
}

std::vector<JobClock::Fire> JobClock::take_due(Seconds now) {
  std::vector<Fire> fires;
  for (Armed& job : jobs_) {
    if (job.due && now < job.armed_at - set_right) arm(job, now);
    if (!job.due || *job.due > now) continue;
    if (now - *job.due < lateness || job.timing.missed == MissedFires::one)
      fires.push_back({job.timing.name, *job.due});
    arm(job, now);
  }
  return fires;
}

void JobClock::skip_next(const std::string& name, Seconds now) {
  for (Armed& job : jobs_)
    if (job.timing.name == name && job.due) arm(job, std::max(*job.due, now));
}

std::optional<Seconds> JobClock::next() const {
  std::optional<Seconds> first;
  for (const Armed& job : jobs_)
    if (job.due && (!first || *job.due < *first)) first = job.due;
  return first;
}

DueTimes JobClock::due_times() const {
  DueTimes times;
  for (const Armed& job : jobs_)
    if (job.due) times[job.timing.name] = {*job.due, job.timing.cron, job.timing.timezone};
  return times;
}

const JobTiming* JobClock::find(const std::string& name) const {
  const auto found = std::ranges::find(jobs_, name, [](const Armed& job) { return job.timing.name; });
  return found == jobs_.end() ? nullptr : &found->timing;
}

bool JobClock::is_armed() const {
  return std::ranges::any_of(jobs_, [](const Armed& job) { return job.due.has_value(); });
}

}  // namespace consort::supervisor
