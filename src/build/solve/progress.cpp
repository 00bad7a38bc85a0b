#include "build/solve/progress.hpp"

namespace consort::build {
namespace {

constexpr std::size_t tail_bytes = 16 * 1024;

}  // namespace

void ProgressLog::send(const ProgressEvent& event) {
  const std::scoped_lock lock(mutex_);
  if (sink_) sink_(event);
}

ProgressLog::Step ProgressLog::start(std::string text, std::string stage, int number, int total) {
  ProgressEvent event;
  event.text = std::move(text);
  event.stage = std::move(stage);
  event.number = number;
  event.total = total;
  return start(std::move(event), Announce::now);
}

ProgressLog::Step ProgressLog::start(ProgressEvent event, Announce announce) {
  Step step(*this, std::move(event));
  if (announce == Announce::now) step.announce();
  return step;
}

void ProgressLog::Step::announce() {
  if (announced_) return;
  announced_ = true;
  {
    const std::scoped_lock lock(log_->mutex_);
    event_.id = log_->next_++;
  }
  log_->send(event_);
}

void ProgressLog::Step::output(std::string_view text, bool from_stderr) {
  tail_ += text;
  if (tail_.size() > 2 * tail_bytes) {
    tail_.erase(0, tail_.size() - tail_bytes);
    tail_.erase(0, tail_.find('\n') + 1);
  }
  ProgressEvent event = event_;
  event.state = StepState::output;
  event.output = text;
  event.from_stderr = from_stderr;
  if (announced_) log_->send(event);
}

void ProgressLog::Step::end(StepState state, std::string message) {
  if (state == StepState::error) announce();
  if (!announced_) return;
  event_.state = state;
  event_.message = std::move(message);
  event_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  log_->send(event_);
}

}  // namespace consort::build
