#include "project/exec/executor.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/narrow.hpp"
#include "project/exec/listening.hpp"

namespace consort::project {

namespace {

bool is_trivial(const Operation& operation) {
  return operation.is<Keep>() || operation.is<Checkpoint>();
}

bool only_waits(const Operation& operation) {
  return operation.is<AwaitCondition>();
}

Outlook outlook_of(const Operation& trivial) {
  const Keep* keep = trivial.as<Keep>();
  return keep && keep->in_use ? Outlook::warning : Outlook::done;
}

class Execution {
 public:
  Execution(const Plan& plan, OperationRunner& runner, Progress& progress, const ExecuteOptions& options,
            Cancellation cancel, Fd done)
      : plan_(plan),
        runner_(runner),
        progress_(progress),
        options_(options),
        cancel_(std::move(cancel)),
        done_(std::move(done)),
        missing_(plan.operations().size()),
        dependents_(plan.operations().size()) {}

  Result<> run() {
    {
      const std::scoped_lock lock(mutex_);
      most_workers_ = options_.parallel;
      for (const Operation& operation : plan_.operations()) {
        missing_[operation.id] = operation.needs.size();
        for (const OperationId need : operation.needs) dependents_[need].push_back(operation.id);
        if (only_waits(operation)) ++most_workers_;
      }
      for (const Operation& operation : plan_.operations())
        if (operation.needs.empty()) make_ready(operation.id);
      staff();
      check_finished();
    }
    wait_until_done();
    for (std::thread& worker : workers_) worker.join();
    return result();
  }

 private:
  // Unless noted otherwise, the caller of the functions below must hold the lock.
  void make_ready(OperationId id) {
    const Operation& operation = plan_.operations()[id];
    if (!is_trivial(operation)) {
      ready_.push_back(id);
      return;
    }
    tell(operation, operation.before, Outlook::working);
    tell(operation, operation.after, outlook_of(operation));
    succeeded(id);
  }

  void succeeded(OperationId id) {
    if (stopping_) return;
    for (const OperationId dependent : dependents_[id])
      if (--missing_[dependent] == 0) make_ready(dependent);
  }

  void failed(Error error) {
    errors_.push_back(std::move(error));
    if (plan_.on_failure == OnFailure::go_on) return;
    stop(Cancellation::By::failure);
  }

  void stop(Cancellation::By by) {
    stopping_ = true;
    ready_.clear();
    cancel_.request(by);
  }

  // Starts workers, up to the number of ready operations; no other function starts any.
  void staff() {
    while (waiting_workers_ < ready_.size() && workers_.size() < most_workers_) {
      ++waiting_workers_;
      workers_.emplace_back([this] { work(); });
    }
    changed_.notify_all();
  }

  void check_finished() {
    if (!ready_.empty() || active_ + awaiting_ > 0) return;
    finished_ = true;
    changed_.notify_all();
    const std::uint64_t one = 1;
    (void)write_full(done_.get(), std::as_bytes(std::span(&one, 1)));
  }

  std::optional<OperationId> take() {
    for (auto each = ready_.begin(); each != ready_.end(); ++each) {
      const bool awaits = only_waits(plan_.operations()[*each]);
      if (!awaits && active_ >= options_.parallel) continue;
      const OperationId id = *each;
      ready_.erase(each);
      ++(awaits ? awaiting_ : active_);
      return id;
    }
    return std::nullopt;
  }

  void work() {  // the worker's thread function; takes the lock itself
    std::unique_lock lock(mutex_);
    while (true) {
      std::optional<OperationId> id;
      changed_.wait(lock, [&] { return finished_ || (id = take()).has_value(); });
      if (!id) return;
      --waiting_workers_;
      const Operation& operation = plan_.operations()[*id];
      lock.unlock();
      Result<> outcome = perform(operation);
      lock.lock();
      --(only_waits(operation) ? awaiting_ : active_);
      ++waiting_workers_;
      if (outcome || operation.necessity == Necessity::optional) {
        succeeded(*id);
      } else {
        failed(std::move(outcome).error());
      }
      staff();
      check_finished();
    }
  }

  Result<> perform(const Operation& operation) {  // without the lock
    tell(operation, operation.before, Outlook::working);
    Result<> outcome = runner_.run(operation, cancel_);
    if (!outcome && stays(operation, outcome.error())) {
      tell(operation, std::string(still_in_use), Outlook::warning);
      outcome = {};
    } else if (outcome) {
      tell(operation, operation.after, Outlook::done);
    } else if (operation.necessity == Necessity::optional) {
      skipped(operation, outcome.error());
    } else if (outcome.error().code() == Code::interrupted) {
      if (interrupted_) tell(operation, "Interrupted: " + std::string(operation.facts().taken_back), Outlook::warning);
    } else {
      tell(operation, operation.is<PullImage>() ? "Error " + outcome.error().message() : "Error", Outlook::error);
    }
    return outcome;
  }

  // Something that was to be removed but is still used stays, and is not a failure. That a lock could not be had, or
  // the database, says nothing of its use.
  static bool stays(const Operation& operation, const Error& error) {
    const bool shared = operation.is<RemoveNetwork>() || operation.is<RemoveVolume>() || operation.is<RemoveImage>();
    return shared && (error.code() == Code::conflict || error.sys_errno() == EBUSY);
  }

  void skipped(const Operation& operation, const Error& error) {
    if (operation.is<PullImage>()) return tell(operation, "Warning " + error.message(), Outlook::warning);
    if (!only_waits(operation)) return tell(operation, "Skipped: " + error.message(), Outlook::warning);
    const std::string said = "optional dependency \"" + operation.service + "\" failed to start";
    tell(operation, "Skipped: " + said, Outlook::warning);
    // The messages of the levels above have just been printed.
    const Error* reason = error.level_about(Subject::dependency);
    progress_.warn(said + ": " + (reason ? *reason : error).message());
  }

  void tell(const Operation& operation, const std::string& word, Outlook outlook) {
    if (operation.shown.empty() || word.empty()) return;
    ProgressEvent event{.id = operation.shown, .outlook = outlook};
    const bool of_service = operation.shown == operation.service && !operation.is<RunProvider>();
    const bool as_text = operation.is<PullImage>() || of_service;
    (as_text && !operation.is<BuildImage>() ? event.text : event.status) = word;
    progress_.event(event);
  }

  // Called without the lock. Waits until everything is done, and handles interrupts meanwhile. The first signal
  // cancels; the next one ends the program, because the user has decided that this takes too long.
  void wait_until_done() {
    std::optional<Listening> listening;
    if (options_.interrupt_fd >= 0) listening.emplace();
    std::array<pollfd, 2> fds{pollfd{done_.get(), POLLIN, 0}, pollfd{options_.interrupt_fd, POLLIN, 0}};
    const int most = options_.limit_seconds.value_or(0);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(most);
    bool limited = options_.limit_seconds.has_value();
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      const int timeout = limited ? saturated<int>(std::max<std::int64_t>(0, left.count())) : -1;
      const int count = ::poll(fds.data(), fds.size(), timeout);
      if (count < 0 && errno != EINTR) return;
      if (count < 0) continue;
      if (fds[0].revents & POLLIN) return;
      if (count == 0 && limited && std::chrono::steady_clock::now() >= deadline) {
        limited = false;
        late(most);
      }
      if (!(fds[1].revents & POLLIN)) continue;
      take_interrupt(options_.interrupt_fd);
      listening.reset();
      fds[1].fd = -1;
      interrupt();
    }
  }

  void late(int seconds) {
    const std::scoped_lock lock(mutex_);
    errors_.push_back(Error(Code::busy, "application not healthy after " + std::to_string(seconds) + "s"));
    stop(Cancellation::By::failure);
    check_finished();
  }

  void interrupt() {
    const std::scoped_lock lock(mutex_);
    interrupted_ = true;
    stop(Cancellation::By::user);
    check_finished();
  }

  Result<> result() {
    if (interrupted_) return fail(Code::interrupted, "interrupted");
    if (errors_.empty()) return {};
    // An operation that was cancelled because another one failed is not worth reporting.
    std::size_t first = 0;
    while (first + 1 < errors_.size() && errors_[first].code() == Code::interrupted) ++first;
    Error error = std::move(errors_[first]);
    for (std::size_t i = 0; i < errors_.size(); ++i)
      if (i != first && errors_[i].code() != Code::interrupted) error.data().also.push_back(std::move(errors_[i]));
    return fail(std::move(error));
  }

  const Plan& plan_;
  OperationRunner& runner_;
  Progress& progress_;
  const ExecuteOptions& options_;
  Cancellation cancel_;
  Fd done_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::size_t> missing_;
  std::vector<std::vector<OperationId>> dependents_;
  std::deque<OperationId> ready_;
  std::vector<std::thread> workers_;
  std::size_t waiting_workers_ = 0;  // started but idle
  std::size_t active_ = 0, awaiting_ = 0;
  std::size_t most_workers_ = 0;  // the limit, plus one for each operation that only waits
  bool stopping_ = false, finished_ = false;
  std::atomic<bool> interrupted_ = false;
  std::vector<Error> errors_;
};

}  // namespace

Result<> execute(const Plan& plan, OperationRunner& runner, Progress& progress, const ExecuteOptions& options) {
  for (const std::string& warning : plan.warnings) progress.warn(warning);
  if (plan.empty()) return {};
  Fd done(::eventfd(0, EFD_CLOEXEC));
  if (!done) return fail_errno("eventfd");
  return Execution(plan, runner, progress, options, TRY(Cancellation::create()), std::move(done)).run();
}

}  // namespace consort::project
