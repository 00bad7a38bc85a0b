// Running jobs, one run of each at a time.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "engine/jobs/records.hpp"
#include "supervisor/client.hpp"

namespace consort::engine {

namespace {

constexpr std::size_t records_kept = 5;

struct flock whole_file(int type) {
  struct flock lock {};
  lock.l_type = static_cast<short>(type);
  return lock;
}

Result<bool> take_lock(int fd) {
  struct flock lock = whole_file(F_WRLCK);
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return fail_errno("lock job");
}

// Checks without taking the lock, so that nobody who wants it is refused meanwhile.
bool is_locked(const std::string& path) {
  const auto file = open_file(path, O_RDWR);
  if (!file) return false;
  struct flock lock = whole_file(F_WRLCK);
  return ::fcntl(file->get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

std::string record_path(const std::string& directory, std::uint64_t iteration) {
  const std::string number = std::to_string(iteration);
  return directory + "/runs/" + std::string(number.size() < 6 ? 6 - number.size() : 0, '0') + number;
}

// Newest first; records that cannot be read are left where they are.
std::vector<JobRun> read_runs(const std::string& directory) {
  std::vector<JobRun> runs;
  for (const std::string& name : list_directory(directory + "/runs").value_or(Strings())) {
    if (!name.ends_with(".json")) continue;
    const auto text = read_file(directory + "/runs/" + name, 1 << 20);
    auto run = text ? run_from_json(*text) : Result<JobRun>(fail(Code::not_found, "read run"));
    if (run) runs.push_back(std::move(*run));
  }
  std::ranges::sort(runs, std::greater<>(), &JobRun::iteration);
  return runs;
}

Result<> write_run(const std::string& directory, const JobRun& run) {
  return write_file_atomic(record_path(directory, run.iteration) + ".json", run_to_json(run), 0600,
                           Durability::durable);
}

// The process that runs it, if it is still that one.
Fd runner_of(const JobRun& run) {
  if (run.pid <= 0) return {};
  auto pidfd = open_pidfd(run.pid);
  const auto started = process_start_time(run.pid);
  return pidfd && started && *started == run.pid_started ? std::move(*pidfd) : Fd();
}

// Until something happens in the directory of the runs, that process ends, or the caller no longer wants to wait.
Result<> await_news(const Fd& directory_watch, const Fd& runner, int cancel_fd) {
  constexpr int look_again_ms = 1000;  // an end that nobody could write down
  std::array<pollfd, 3> waits{pollfd{directory_watch.get(), POLLIN, 0}, pollfd{runner.get(), POLLIN, 0},
                              pollfd{cancel_fd, POLLIN, 0}};
  (void)::poll(waits.data(), waits.size(), look_again_ms);
  std::array<char, 4096> events;
  while (::read(directory_watch.get(), events.data(), events.size()) > 0) {
  }
  if (waits[2].revents != 0) return fail(Code::interrupted, "interrupted");
  return {};
}

Result<Fd> watch_runs(const std::string& directory) {
  TRY(make_directories(directory + "/runs", 0700));
  Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch || ::inotify_add_watch(watch.get(), (directory + "/runs").c_str(), IN_MOVED_TO | IN_DELETE) < 0)
    return fail_errno("watch", directory + "/runs");
  return watch;
}

// Removes the oldest runs with their output; their numbers are not used again.
void evict(const std::string& directory, const std::vector<JobRun>& runs) {
  for (std::size_t i = records_kept; i < runs.size(); ++i) {
    if (!is_final(runs[i].state)) continue;
    (void)remove_file(record_path(directory, runs[i].iteration) + ".json");
    (void)remove_file(record_path(directory, runs[i].iteration) + ".log");
  }
}

}  // namespace

Result<> JobTurn::update(const std::function<void(JobRun&)>& change) {
  change(run_);
  return write_run(directory_, run_);
}

bool JobTurn::was_cancelled() const {
  return read_file(directory_ + "/cancel", 4096).value_or("") == run_.id;
}

std::string JobTurn::output_path() const {
  return record_path(directory_, run_.iteration) + ".log";
}

std::string Jobs::output_path(const Job& job, const JobRun& run) const {
  return record_path(directory(job), run.iteration) + ".log";
}

Result<std::optional<JobTurn>> Jobs::begin(const Job& job, const TurnOptions& options) {
  const std::string where = directory(job);
  const Fd watch = TRY(watch_runs(where));
  Fd lock = TRY(open_file(where + "/lock", O_RDWR | O_CREAT, 0600));
  Fd place;  // in the queue, which has one
  while (!TRY(take_lock(lock.get()))) {
    if (!options.due) return fail(Error(Code::busy, "job " + job.full_name() + " is already running"));
    if (!job.spec.queue) return std::nullopt;
    if (!place) {
      place = TRY(open_file(where + "/waiting", O_RDWR | O_CREAT, 0600));
      if (!TRY(take_lock(place.get()))) return std::nullopt;
    }
    const auto runs = read_runs(where);
    TRY(await_news(watch, runs.empty() ? Fd() : runner_of(runs[0]), options.cancel_fd));
  }
  std::vector<JobRun> runs = read_runs(where);
  // Its runner was killed, and its container keeps running.
  if (!runs.empty()) runs[0] = TRY(settle_dead(job, std::move(runs[0])));
  if (!runs.empty() && !is_final(runs[0].state)) {
    if (options.due) return std::nullopt;
    return fail(Error(Code::busy, "job " + job.full_name() + " is already running"));
  }
  // A supervisor that was killed right after it had started us has a successor that does so again.
  const auto same = [&](const JobRun& run) { return run.due && run.due == options.due; };
  if (options.due && std::ranges::any_of(runs, same)) return std::nullopt;
  JobRun run;
  run.id = options.id.empty() ? random_id() : options.id;
  run.iteration = runs.empty() ? 1 : runs[0].iteration + 1;
  run.due = options.due;
  run.created = system_now();
  run.pid = ::getpid();
  run.pid_started = process_start_time(run.pid).value_or(0);
  TRY(write_run(where, run));
  runs.insert(runs.begin(), run);
  evict(where, runs);
  return JobTurn(std::move(lock), where, std::move(run));
}

Result<JobRun> Jobs::settle(const Job& job, JobRun run) const {
  if (is_final(run.state) || is_locked(directory(job) + "/lock")) return run;
  return settle_dead(job, std::move(run));
}

// The runner has died: the container tells how the run ended.
Result<JobRun> Jobs::settle_dead(const Job& job, JobRun run) const {
  if (is_final(run.state)) return run;
  const std::string where = directory(job);
  const auto container = run.container.empty() ? Result<ContainerDetails>(fail(Code::not_found, "no container"))
                                               : engine_->inspect(run.container);
  if (container && container->state.running()) return run;
  run.state = RunState::failed;
  if (container && container->state.ended()) run.exit_code = container->state.exit_code;
  if (!run.exit_code) {
    run.error = "the process that ran it was killed before it ended";
  } else if (*run.exit_code == 0) {
    run.state = RunState::succeeded;
  }
  run.finished = container ? container->state.finished_at.value_or(system_now()) : system_now();
  TRY(write_run(where, run));
  return run;
}

Result<std::vector<JobRun>> Jobs::runs(const Job& job) const {
  std::vector<JobRun> runs = read_runs(directory(job));
  for (JobRun& run : runs) run = TRY(settle(job, std::move(run)));
  return runs;
}

Result<> Jobs::cancel(const Job& job) {
  const std::string where = directory(job);
  const Fd watch = TRY(watch_runs(where));
  bool told = false;
  while (true) {
    const auto all = TRY(runs(job));
    if (all.empty() || is_final(all[0].state)) return {};
    const Fd runner = runner_of(all[0]);
    if (!told) TRY(write_file_atomic(where + "/cancel", all[0].id, 0600));
    if (runner && !told) (void)send_signal(runner.get(), SIGTERM);
    told = true;
    // The container's first process may ignore the signals that the runner passes on.
    if (!all[0].container.empty()) (void)engine_->stop_container(all[0].container);
    TRY(await_news(watch, runner, -1));
  }
}

Result<> Jobs::wait(const Job& job) const {
  const std::string where = directory(job);
  const Fd watch = TRY(watch_runs(where));
  while (true) {
    const auto all = TRY(runs(job));
    if (!all.empty() && is_final(all[0].state) && !is_locked(where + "/lock")) return {};
    if (!path_exists(where + "/job.json")) return fail(Error(Code::not_found, "no such job: " + job.full_name()));
    TRY(await_news(watch, all.empty() ? Fd() : runner_of(all[0]), -1));
  }
}

}  // namespace consort::engine
