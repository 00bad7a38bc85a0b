#include "project/exec/conditions.hpp"

#include <poll.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "base/strings.hpp"
#include "project/exec/watching.hpp"
#include "supervisor/log.hpp"

namespace consort::project {

namespace {

using engine::ContainerState;
using engine::HealthStatus;
using engine::Status;

// What has no health check is taken as good when it has run for so long. Docker Compose looks every half second, which
// is how its users learn of a service that ends at once because its settings are wrong.
constexpr std::chrono::milliseconds settling{500};

std::string code_text(const ContainerState& state) {
  return state.exit_code ? std::to_string(*state.exit_code) : "unknown";
}

// How long until a running container without a health check counts as settled. One that was restarted meanwhile is not
// looked at so closely: with a restart policy it may never stay for long, and the wait must end.
std::chrono::milliseconds until_settled(const ContainerState& state) {
  if (state.status != Status::running || state.health != HealthStatus::none) return {};
  if (!state.started_at || state.restart_count > 0) return {};
  const auto age = system_now() - *state.started_at;
  return age >= settling || age < Nanoseconds(0) ? std::chrono::milliseconds()
                                                 : std::chrono::ceil<std::chrono::milliseconds>(settling - age);
}

// nullopt: not decided yet.
std::optional<Result<>> judge(const Operation& operation, Awaited awaited, const ContainerState& state) {
  const std::string container = "container " + operation.target;
  const bool dependency = awaited != Awaited::running_or_healthy;
  const std::string lead = dependency ? "dependency failed to start: " : "";
  const bool ended = state.status == Status::exited || state.status == Status::dead;
  if (awaited == Awaited::completed) {
    if (!ended) return std::nullopt;
    if (state.exit_code == 0) return Result<>();
    return Result<>(fail(Code::conflict, "service \"" + operation.service + "\" didn't complete successfully: exit " +
                                             code_text(state)));
  }
  if (ended) return Result<>(fail(Code::conflict, lead + container + " exited (" + code_text(state) + ")"));
  if (state.status != Status::running) return std::nullopt;
  switch (state.health) {
    case HealthStatus::healthy:
      return Result<>();
    case HealthStatus::unhealthy:
      return Result<>(fail(Code::conflict, lead + container + " is unhealthy"));
    case HealthStatus::starting:
      return std::nullopt;
    case HealthStatus::none:
      break;
  }
  if (awaited == Awaited::running_or_healthy)
    return until_settled(state).count() > 0 ? std::nullopt : std::optional(Result<>());
  return Result<>(fail(Error(Code::invalid, lead + container + " has no healthcheck configured")
                           .hint("give the service a `healthcheck:`, or wait for `condition: service_started`")));
}

std::string indented(std::string_view text) {
  std::string result;
  for (const std::string& line : split(trim(text), '\n')) result += "\n  " + line;
  return result;
}

// What a person would look at next.
std::string circumstances(engine::Engine& engine, const std::string& container) {
  std::string text;
  if (const auto details = engine.inspect(container)) {
    const auto& log = details->state.health_log;
    if (!log.empty()) {
      const engine::HealthProbe& last = log.back();
      text += "the health check ended with " + std::to_string(last.exit_code) +
              (trim(last.output).empty() ? " and printed nothing" : " and printed:" + indented(last.output));
    }
  }
  const std::string lines = last_log_lines(engine, container, 10);
  if (!lines.empty()) text += std::string(text.empty() ? "" : "\n") + "the last lines of its log:" + lines;
  return text;
}

// Blocks until a change may have come, or what runs has settled.
Result<> wait_readable(int fd, const ContainerState& state, const Cancellation& cancel) {
  std::array<pollfd, 2> fds{pollfd{fd, POLLIN, 0}, pollfd{cancel.fd(), POLLIN, 0}};
  const auto left = until_settled(state);
  while (::poll(fds.data(), fds.size(), left.count() > 0 ? static_cast<int>(left.count()) : -1) < 0)
    if (errno != EINTR) return fail_errno("poll");
  if (fds[1].revents) return fail(Code::interrupted, "interrupted");
  return {};
}

// One life of a watch: until decided, or nullopt when the supervisor has ended.
Result<bool> follow(engine::Engine& engine, engine::Watch& watch, const Operation& operation, Awaited awaited,
                    const Cancellation& cancel) {
  // Subscribed before this look, so nothing is missed in between.
  const engine::ContainerDetails details = TRY(engine.inspect(operation.target));
  ContainerState state = details.state;
  while (true) {
    if (auto verdict = judge(operation, awaited, state)) {
      TRY(std::move(*verdict));
      return true;
    }
    if (watch.fd() < 0) return false;
    TRY(wait_readable(watch.fd(), state, cancel));
    while (true) {
      auto change = next_change(watch);
      if (!change && change.error().code() == Code::not_found) return false;
      if (!change) return fail(std::move(change).error());
      if (!*change) break;
      if ((*change)->id != details.id) continue;
      if ((*change)->gone) return fail(Code::not_found, "container " + operation.target + " was removed");
      state = (*change)->state;
      if (auto verdict = judge(operation, awaited, state)) {
        TRY(std::move(*verdict));
        return true;
      }
    }
  }
}

}  // namespace

std::string last_log_lines(engine::Engine& engine, const std::string& container, std::size_t count) {
  const auto path = engine.log_path(container);
  if (!path) return {};
  std::string text;
  supervisor::LogReader reader(*path, {.tail = count});
  supervisor::LogReader::LineHandler add = [&text](const supervisor::LogLine& line) {
    text += "\n  " + std::string(line.text);
  };
  if (!reader.read(add)) return {};
  reader.flush(add);
  return text;
}

Result<> await_condition(engine::Engine& engine, const std::string& project, const Operation& operation,
                         Awaited awaited, const Cancellation& cancel) {
  // A supervisor that is replaced ends the stream; more than a few times in a row is not that.
  constexpr int most_watches = 100;
  for (int i = 0; i < most_watches; ++i) {
    auto watch = TRY(engine.watch(project));
    auto decided = follow(engine, *watch, operation, awaited, cancel);
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
