#include "project/exec/conditions.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/strings.hpp"
#include "project/exec/watching.hpp"

namespace consort::project {

namespace {

using engine::ContainerState;
using engine::HealthStatus;
using engine::Status;

// A container without a health check counts as good once it has run for this long. Docker Compose checks every half
// second, which is how its users notice a service that exits at once because of wrong settings.
constexpr std::chrono::milliseconds settling{500};

std::string code_text(const ContainerState& state) {
  return state.exit_code ? std::to_string(*state.exit_code) : "unknown";
}

// A container that its restart policy keeps restarting never becomes healthy and never ends, but the wait for it must
// end. It gets as many attempts and as much time as a health check that always fails.
class CrashLoop {
 public:
  // Takes the limits from the container's specification.
  static CrashLoop of(const std::optional<engine::HealthSpec>& check) {
    CrashLoop loop;
    if (!check) return loop;
    loop.most_ = std::max(1U, check->retries.value_or(default_retries));
    const Nanoseconds wait =
        check->start_period.value_or(Nanoseconds(0)) + check->interval.value_or(std::chrono::seconds(30)) * loop.most_;
    loop.patience_ = std::clamp<Nanoseconds>(wait, std::chrono::seconds(2), std::chrono::minutes(2));
    return loop;
  }

  void see(const ContainerState& state) {
    const auto now = std::chrono::steady_clock::now();
    if (state.exit_code) last_code_ = state.exit_code;  // a container that was started again has none
    const unsigned ends = state.restart_count + (state.status == Status::restarting ? 1 : 0);
    if (!seen_) {
      seen_ = ends;
      // A container found between two runs has just failed; the failures of a running one may be long ago.
      if (state.status == Status::restarting) note(ends, now);
      return;
    }
    if (ends <= *seen_) return;
    note(ends - *seen_, now);
    seen_ = ends;
  }

  bool given_up() const { return crashes_ >= most_ && std::chrono::steady_clock::now() >= first_ + patience_; }
  unsigned crashes() const { return crashes_; }
  std::string last_code() const { return last_code_ ? std::to_string(*last_code_) : "unknown"; }

 private:
  static constexpr unsigned default_retries = 3;

  void note(unsigned crashes, std::chrono::steady_clock::time_point now) {
    if (crashes_ == 0) first_ = now;
    crashes_ += crashes;
  }

  unsigned most_ = default_retries;
  Nanoseconds patience_ = std::chrono::seconds(5);
  std::optional<unsigned> seen_;
  unsigned crashes_ = 0;
  std::optional<int> last_code_;
  std::chrono::steady_clock::time_point first_;
};

// How long until a running container without a health check counts as started.
std::chrono::milliseconds until_settled(const ContainerState& state) {
  if (state.status != Status::running || state.health.status != HealthStatus::none || !state.started_at) return {};
  const auto age = system_now() - *state.started_at;
  return age >= settling || age < Nanoseconds(0) ? std::chrono::milliseconds()
                                                 : std::chrono::ceil<std::chrono::milliseconds>(settling - age);
}

struct Wait {
  const Operation& operation;
  Awaited awaited;
  CrashLoop loop{};
  bool known = false;     // whether `loop` has its limits
  bool restarts = false;  // its policy restarts it, whatever its exit code
  std::optional<std::chrono::steady_clock::time_point> until{};
};

// True between the end of a process and its supervisor's report, when the exit code is not known yet.
bool may_start_again(const Wait& wait, const ContainerState& state) {
  return wait.restarts && !state.exit_code;
}

// nullopt: not decided yet.
std::optional<Result<>> judge(Wait& wait, const ContainerState& state) {
  wait.loop.see(state);
  const std::string container = "container " + wait.operation.target;
  const auto failed = [&](Error error) -> Result<> {
    error = std::move(error).about(Subject::dependency, wait.operation.target);
    if (wait.awaited == Awaited::running_or_healthy) return fail(std::move(error));
    return fail(std::move(error).wrap("dependency failed to start"));
  };
  const bool ended = state.ended();
  if (wait.awaited == Awaited::completed) {
    if (!ended) return std::nullopt;
    if (state.exit_code == 0) return Result<>();
    return Result<>(fail(Error(Code::conflict, "service \"" + wait.operation.service +
                                                   "\" didn't complete successfully: exit " + code_text(state))
                             .about(Subject::dependency, wait.operation.target)));
  }
  if (ended && may_start_again(wait, state)) return std::nullopt;
  if (ended) return failed(Error(Code::conflict, container + " exited (" + code_text(state) + ")"));
  if (state.health.status == HealthStatus::unhealthy && state.status == Status::running)
    return failed(Error(Code::conflict, container + " is unhealthy"));
  if (wait.loop.given_up())
    return failed(Error(Code::conflict, container + " is unhealthy: it exited (" + wait.loop.last_code() + ") " +
                                            std::to_string(wait.loop.crashes()) + " times"));
  if (state.status != Status::running || state.health.status == HealthStatus::starting) return std::nullopt;
  if (state.health.status == HealthStatus::healthy) return Result<>();
  if (until_settled(state).count() > 0) return std::nullopt;
  if (wait.awaited == Awaited::running_or_healthy) return Result<>();
  return failed(Error(Code::invalid, container + " has no healthcheck configured")
                    .hint("add a `healthcheck:` to the service, or use `condition: service_started`"));
}

std::string indented(std::string_view text) {
  std::string result;
  for (const std::string& line : split(trim(text), '\n')) result += "\n  " + line;
  return result;
}

// The details that a user would look at next.
std::string circumstances(engine::Engine& engine, const std::string& container) {
  std::string text;
  if (const auto details = engine.inspect(container)) {
    const auto& log = details->state.health.log;
    // For a container that has ended, the last check only says that it could no longer be run.
    if (!log.empty() && details->state.status == Status::running) {
      const engine::HealthResult& last = log.back();
      text += "the health check exited with " + std::to_string(last.exit_code) +
              (trim(last.output).empty() ? " and printed nothing" : " and printed:" + indented(last.output));
    }
  }
  const std::string lines = last_log_lines(engine, container, 10);
  if (!lines.empty()) text += std::string(text.empty() ? "" : "\n") + "the last lines of its log:" + lines;
  return text;
}

std::string what_it_lacks(const ContainerState& state, Awaited awaited) {
  if (state.status != Status::running) return " is not running: it is " + std::string(to_string(state.status));
  if (awaited == Awaited::completed) return " still runs";
  return state.health.status == HealthStatus::none ? " has only just started" : " is not healthy yet";
}

// Blocks until the state may have changed, a running container counts as started, or a crash loop must be checked
// again.
Result<> wait_readable(int fd, const ContainerState& state, const Wait& wait, const Cancellation& cancel) {
  std::array<pollfd, 2> fds{pollfd{fd, POLLIN, 0}, pollfd{cancel.fd(), POLLIN, 0}};
  std::chrono::milliseconds left = until_settled(state);
  if (left.count() == 0)
    left = wait.loop.crashes() > 0 ? std::chrono::milliseconds(1000) : std::chrono::milliseconds(-1);
  if (wait.until) {
    const auto most = std::chrono::ceil<std::chrono::milliseconds>(*wait.until - std::chrono::steady_clock::now());
    if (most.count() <= 0)
      return fail(Error(Code::busy, "timeout waiting for dependencies")
                      .hint("container " + wait.operation.target + what_it_lacks(state, wait.awaited)));
    left = left.count() < 0 ? most : std::min(left, most);
  }
  while (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) < 0)
    if (errno != EINTR) return fail_errno("poll");
  if (fds[1].revents) return fail(Code::interrupted, "interrupted");
  return {};
}

// Follows one subscription: until the condition is decided, or until the supervisor has ended (false).
Result<bool> follow(engine::Engine& engine, engine::Watch& watch, Wait& wait, const Cancellation& cancel) {
  // Inspected after subscribing, so that no change in between is missed.
  const engine::ContainerDetails details = TRY(engine.inspect(wait.operation.target));
  if (!wait.known) wait.loop = CrashLoop::of(details.process.health);
  wait.known = true;
  wait.restarts = details.restart.mode != engine::RestartMode::no;
  ContainerState state = details.state;
  while (true) {
    if (auto verdict = judge(wait, state)) {
      TRY(std::move(*verdict));
      return true;
    }
    if (watch.fd() < 0) return false;
    TRY(wait_readable(watch.fd(), state, wait, cancel));
    while (true) {
      auto change = next_change(watch);
      if (!change && change.error().code() == Code::not_found) return false;
      if (!change) return fail(std::move(change).error());
      const auto& news = *change;
      if (!news) break;
      if (news->id != details.id) continue;
      if (news->gone) return fail(Code::not_found, "container " + wait.operation.target + " was removed");
      state = news->state;
      if (auto verdict = judge(wait, state)) {
        TRY(std::move(*verdict));
        return true;
      }
    }
  }
}

}  // namespace

std::string last_log_lines(engine::Engine& engine, const std::string& container, std::size_t count) {
  auto reader = engine.logs(container, {.tail = count});
  if (!reader) return {};
  std::string text;
  engine::LogReader::LineHandler add = [&text](const engine::LogLine& line) {
    text += "\n  " + std::string(line.text);
  };
  if (!reader->read(add)) return {};
  reader->flush(add);
  return text;
}

Result<> await_condition(engine::Engine& engine, const std::string& project, const Operation& operation,
                         Awaited awaited, const Cancellation& cancel, std::optional<int> most) {
  // The stream ends when a supervisor is replaced, but that does not happen more than a few times in a row.
  constexpr int most_watches = 100;
  Wait wait{operation, awaited};
  if (most) wait.until = std::chrono::steady_clock::now() + std::chrono::seconds(*most);
  for (int i = 0; i < most_watches; ++i) {
    auto watch = TRY(engine.watch(project, engine::Unserved::revive));
    auto decided = follow(engine, *watch, wait, cancel);
    if (!decided) {
      Error error = std::move(decided).error();
      if (error.code() == Code::conflict) error.data().hint = circumstances(engine, operation.target);
      return fail(std::move(error));
    }
    if (*decided) return {};
    if (watch->fd() < 0) break;
  }
  return fail(Error(Code::conflict, "container " + operation.target + " is not running")
                  .hint(circumstances(engine, operation.target)));
}

}  // namespace consort::project
