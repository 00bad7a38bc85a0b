#include "supervisor/health/health_runner.hpp"

#include <fcntl.h>

#include <array>
#include <memory>
#include <utility>

#include "base/os/processes/process.hpp"

namespace consort::supervisor {
namespace {

constexpr std::size_t kept_output = 4096;
using std::chrono::steady_clock;

}  // namespace

HealthRunner::HealthRunner(EventLoop& loop, HealthUnit unit, HealthState state, HealthMachine::Time started,
                           Hooks hooks)
    : loop_(loop), machine_(std::move(unit), std::move(state), started), hooks_(std::move(hooks)) {
  plan();
}

HealthRunner::~HealthRunner() {
  loop_.cancel(timer_);
  drop_check();
}

void HealthRunner::plan() {
  loop_.cancel(std::exchange(timer_, 0));
  const auto next = machine_.next();
  if (!next) return;
  timer_ = loop_.at(next->when, [this, action = next->action] {
    timer_ = 0;
    act(action);
  });
}

Listening HealthRunner::listening() const {
  return machine_.minds_listening() ? hooks_.listening() : Listening::not_needed;
}

void HealthRunner::act(HealthAction action) {
  const Listening now = listening();
  if (action == HealthAction::eager_check && now != Listening::yes && now != Listening::not_needed) {
    machine_.not_listening(steady_clock::now());
    return plan();
  }
  run_check(action);
}

void HealthRunner::run_check(HealthAction action) {
  machine_.begin_check(action, listening());
  checking_ = true;
  const std::uint64_t check = ++check_;
  began_ = system_now();
  text_.clear();
  auto pipe = make_pipe(O_NONBLOCK);
  if (!pipe) return finish(-1, pipe.error().message());
  output_ = std::move(pipe->read);
  const auto watch = loop_.add(output_.get(), EPOLLIN, [this](std::uint32_t) { read_output(); });
  if (watch) output_watch_ = *watch;
  // The deadline for the whole check, including its start.
  timeout_ = loop_.after(machine_.unit().timeout, [this] { on_timeout(); });
  auto exec = hooks_.start(
      machine_.unit().argv, pipe->write.get(),
      [this, check](Result<ExecStarted> started) {
        if (check == check_ && checking_ && !started) finish(-1, started.error().message());
      },
      [this, check](std::optional<int> status) {
        if (check == check_ && checking_) on_end(status);
      });
  if (!exec) return finish(-1, exec.error().message());
  exec_ = *exec;
}

// Reads more than it keeps: a check must not block on a full pipe.
void HealthRunner::read_output() {
  std::array<char, 4096> buffer;
  for (int round = 0; round < 16; ++round) {
    const auto got = read_some(output_.get(), std::as_writable_bytes(std::span(buffer)));
    if (!got) return;  // no more data right now
    if (*got == 0) {
      if (output_watch_ != 0) loop_.remove(std::exchange(output_watch_, 0));
      return;
    }
    if (text_.size() <= kept_output) text_.append(buffer.data(), *got);
  }
}

void HealthRunner::on_end(std::optional<int> wait_status) {
  if (output_) read_output();
  finish(wait_status ? exit_status_of(*wait_status).code : -1, std::move(text_));
}

void HealthRunner::on_timeout() {
  timeout_ = 0;
  if (!checking_) return;
  finish(-1, "Health check exceeded timeout (" + format_duration(machine_.unit().timeout) + ")");
}

void HealthRunner::drop_check() {
  checking_ = false;
  loop_.cancel(std::exchange(timeout_, 0));
  if (output_watch_ != 0) loop_.remove(std::exchange(output_watch_, 0));
  output_.reset();
  if (exec_ != 0) hooks_.kill(std::exchange(exec_, 0));
}

void HealthRunner::finish(int exit_code, std::string output) {
  drop_check();
  if (output.size() > kept_output) {
    output.resize(kept_output);
    output += "...";
  }
  text_ = std::string();
  const auto before = machine_.state().log.empty() ? SystemTime{} : machine_.state().log.back().end;
  const HealthChange change = machine_.finish_check(HealthResult{began_, system_now(), exit_code, std::move(output)},
                                                    listening(), steady_clock::now());
  const auto after = machine_.state().log.empty() ? SystemTime{} : machine_.state().log.back().end;
  if (change != HealthChange::none || before != after) hooks_.on_result(change);
  plan();
}

void HealthRunner::suspend() {
  drop_check();
  machine_.suspend();
  plan();
}

void HealthRunner::resume() {
  machine_.resume(steady_clock::now());
  plan();
}

HealthChange HealthRunner::stop() {
  drop_check();
  const HealthChange change = machine_.stop();
  plan();
  return change;
}

}  // namespace consort::supervisor
