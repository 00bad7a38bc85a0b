#include "supervisor/clock/project_clock.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "supervisor/loop/command_program.hpp"

namespace consort::supervisor {

namespace {

Seconds wall_clock() {
  return ::time(nullptr);
}

}  // namespace

ProjectClock::~ProjectClock() {
  context_.loop.remove(watch_);
}

Result<> ProjectClock::open_timer() {
  if (timer_) return {};
  timer_ = Fd(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer_) return fail_errno("make a timer");
  watch_ = TRY(context_.loop.add(timer_.get(), EPOLLIN, [this](std::uint32_t) {
    std::uint64_t times = 0;
    // ECANCELED: the clock was set. Look for due jobs nevertheless.
    if (::read(timer_.get(), &times, sizeof times) < 0 && errno == EAGAIN) return;
    on_time();
  }));
  return {};
}

Result<> ProjectClock::load() {
  std::vector<JobTiming> jobs = read_timings(context_.roots, context_.project);
  if (jobs.empty() && !timer_) return {};
  DueTimes kept = read_due_times(context_.roots, context_.project);
  clock_.set(std::move(jobs), kept, wall_clock());
  TRY(open_timer());
  on_time();
  return {};
}

void ProjectClock::on_time() {
  for (const JobClock::Fire& fire : clock_.take_due(wall_clock())) {
    const JobTiming* job = clock_.find(fire.job);
    const auto started = start(*job, {"--due", std::to_string(fire.due)});
    if (!started) log_line("job " + fire.job + ": " + started.error().message());
  }
  // Recorded after the start: if we are killed in between, the successor starts it again, but then the name of the run,
  // which is its time, is already taken.
  if (const auto waiting = wait_for_next(); !waiting) log_line(waiting.error().message());
}

Result<> ProjectClock::wait_for_next() {
  const auto next = clock_.next();
  itimerspec when{};
  if (next) when.it_value.tv_sec = *next;
  if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr) != 0)
    return fail_errno("set the timer of the jobs");
  TRY(write_due_times(context_.roots, context_.project, clock_.due_times()));
  context_.settled();  // the supervisor may no longer be needed
  return {};
}

Result<> ProjectClock::fire(const std::string& name, const std::string& run, Reschedule reschedule) {
  TRY(load());
  const JobTiming* job = clock_.find(name);
  if (job == nullptr) return fail(Error(Code::not_found, "no such job: " + name));
  TRY(start(*job, {"--id", run}));
  if (reschedule == Reschedule::no) return {};
  clock_.skip_next(name, wall_clock());
  return wait_for_next();
}

Result<> ProjectClock::start(const JobTiming& job, std::vector<std::string> arguments) {
  SpawnOptions options;
  options.argv = {TRY(command_program(context_.init_program, job.program)), "internal", "run-job", context_.project,
                  job.name};
  for (std::string& each : arguments) options.argv.push_back(std::move(each));
  options.environment = job.environment;
  for (std::string& each : root_variables(context_.roots)) options.environment.push_back(std::move(each));
  options.directory = "/";
  ChildGuard child = TRY(spawn(options));
  context_.cleaner.reap("job " + job.name, child.release());
  return {};
}

}  // namespace consort::supervisor
